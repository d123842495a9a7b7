"""The parts that no single paper owns: plain losses, datasets, metrics, backbones."""
