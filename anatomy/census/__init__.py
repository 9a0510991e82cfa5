"""The census of a corpus: all that is counted of its prompts, shard by shard.

Prompts are dealt into shards by a hash of their raw strings, so that copies meet in one shard.
What a shard gives adds up (`ShardCounts`), whoever counts it and in whatever order. `local` and
`on_ray` are the executors; they share everything else.
"""

from anatomy.census.model import Ask, Census, EncoderCounts, Group, ShardCounts

__all__ = ["Ask", "Census", "EncoderCounts", "Group", "ShardCounts"]
