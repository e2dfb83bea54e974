"""The emotion model: FER+ votes and FER2013 labels -> one small int8 ONNX file."""
