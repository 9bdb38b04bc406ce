"""The reference job beside other people's programs, one file a peer; ``python -m bench peers --load FOLDER``.

Comes in: a reference load. Goes out: a table of events per CPU-second with what each peer does of the job, and a plot.
What never happens here: a peer in our own environment, a peer left out in silence, wall time as a figure.
"""
