"""Warm kernels: a process that has imported everything forks one in a fraction of a second.

`server` is that process, `servers` starts and finds it, `kept` keeps one for others, `forked` is how a kernel
of it looks from outside, and `provisioner` gives such kernels to Jupyter, or stock ones where there is none.
"""

# The provisioner as pyproject.toml declares it.
NAME, GROUP = "cxlab-warm", "jupyter_client.kernel_provisioners"
