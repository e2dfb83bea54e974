"""Files to frames: sniffing, bounds, decoding, orientation."""
