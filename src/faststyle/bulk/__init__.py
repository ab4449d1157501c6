"""Many pictures, from any storage to any other, on as many processes and machines as there are.

A job (:mod:`~faststyle.bulk.job`) is a list of pictures (``plan``), cut into shards. One
function does a shard (``shard``); an engine (``local``, ``ray``, ``slurm``) hands shards out; what
is done is noted beside the results (``manifest``), so that a job that was stopped goes on.
"""
