"""What people and programs see of the service. A face reads snapshots of the board and changes nothing."""
