"""A sentence-transformers model that is made in a moment: two layers of random weights."""

from __future__ import annotations

import shutil
from pathlib import Path

from index.encoder import Encoder

DIMENSION = 24
LONGEST = 32  # tokens, the special ones included


def make_tiny_model(folder: Path, pooling: str = "mean") -> Path:
    """Write the model into a folder as people save theirs; a dense layer follows the pooling."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import (
        Dense,
        Normalize,
        Pooling,
        Transformer,
    )
    from transformers import BertConfig, BertModel

    base = folder.with_name(folder.name + "-base")
    packaged = Encoder().folder
    shape = BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=2 * LONGEST,
        initializer_range=0.15,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        BertModel(shape).save_pretrained(base)
        for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
            shutil.copy(packaged / name, base / name)
        model = SentenceTransformer(
            modules=[
                Transformer(str(base), max_seq_length=LONGEST),
                Pooling(32, pooling_mode=pooling),
                Dense(32, DIMENSION),
                Normalize(),
            ],
            device="cpu",
        )
    model.save(str(folder))
    shutil.rmtree(base)
    return folder
