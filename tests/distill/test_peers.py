"""Shapes of Table 8: their sizes are the published ones, and they run."""

from __future__ import annotations

import pytest
import torch

from distill.peers import BERT, EVA, SAM3, Peer, peers

EXACT = {
    "sam3": 353_724_672,
    "eva02-clip-bige": 694_332_160,
    "bert-base": 109_482_240,
    "mobileclip-s0@16": 42_541_312,
    "mobileclip-s0@32": 42_549_504,
    "mobileclip-s1@16": 63_528_192,
    "mobileclip-s1@32": 63_536_384,
    "mobileclip2-l@16": 123_800_320,
    "mobileclip2-l@32": 123_812_608,
}


@pytest.mark.parametrize("peer", peers().values(), ids=lambda peer: peer.name)
def test_parameters_are_the_published_ones(peer: Peer):
    assert peer.count() == EXACT[peer.name]
    assert f"{peer.count() / 1e6:.2f}M" == str(peer.published.parameters)


def test_every_row_of_table_8_has_its_shape():
    from anatomy.ledger.tables import TABLE_8

    assert {id(peer.published) for peer in peers().values()} == {id(row) for row in TABLE_8}


@pytest.mark.parametrize("peer", [SAM3, EVA, BERT], ids=lambda peer: peer.name)
def test_padding_that_a_mask_hides_changes_no_output(peer: Peer):
    """At two layers and few tokens: the classes, ways to call them and buffers are the same."""
    from dataclasses import replace

    def small() -> torch.nn.Module:
        module = peer.make()
        layers = getattr(module, "text_model", module).encoder
        name = "layers" if hasattr(layers, "layers") else "layer"
        setattr(layers, name, getattr(layers, name)[:2])
        return module

    module = replace(peer, make=small).build("cpu", "float32")
    ids = torch.randint(1, 1000, (3, 6), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(9) < torch.tensor([6, 6, 6])[:, None]
    padded = torch.nn.functional.pad(ids, (0, 3))
    with torch.inference_mode():
        one, other = peer.forward(module, ids, None), peer.forward(module, padded, mask)
    assert one.isfinite().all() and one.std() > 0
    assert torch.allclose(one, other[:, :6], atol=1e-5)
