"""How the reader's weights are made: data, training, evaluation, export. Nothing here is served."""
