"""Passages and its peers on the same machine, weights, documents and questions, in one run."""
