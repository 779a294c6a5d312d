"""HTTP for both neighbours (no cookies, no redirects, capped bodies, total time-outs), and for what we serve."""
