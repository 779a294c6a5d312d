"""HTTP as both neighbours need it: no cookies, no redirects, capped bodies, total time-outs. The door of aiohttp."""
