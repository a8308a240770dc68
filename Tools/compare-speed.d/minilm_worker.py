"""A peer that embeds the lines of a text: PEER MODEL MADE TEXT THREADS; or, once: build MODEL MADE."""
import sys
from turns import serve

BATCH = 32


def build(model, made):
    import onnx
    import torch
    from ctranslate2.converters import TransformersConverter
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.optimizer import optimize_model
    from transformers import AutoModel

    network = AutoModel.from_pretrained(model, attn_implementation="eager").eval()

    class Hidden(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, ids, mask, types):
            return self.network(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state

    some = torch.ones((2, 8), dtype=torch.int64)
    torch.onnx.export(Hidden(), (some, some, some), f"{made}/float.onnx", input_names=["input_ids", "attention_mask", "token_type_ids"],
                      output_names=["last_hidden_state"], opset_version=17, dynamo=False,
                      dynamic_axes={name: {0: "batch", 1: "length"} for name in
                                    ("input_ids", "attention_mask", "token_type_ids", "last_hidden_state")})
    # Attention, GELU and layer normalisation become operations of onnxruntime's own, which are its fastest.
    fused = optimize_model(f"{made}/float.onnx", model_type="bert", num_heads=network.config.num_attention_heads,
                           hidden_size=network.config.hidden_size)
    fused.save_model_to_file(f"{made}/fused.onnx")
    quantize_dynamic(f"{made}/fused.onnx", f"{made}/int8.onnx", weight_type=QuantType.QInt8,
                     extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})
    TransformersConverter(model).convert(f"{made}/converted")


def batches(model, text):
    """A function that encodes the lines, batches of like lengths, and puts their vectors back in order."""
    import numpy as np
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(f"{model}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    lines = open(text).read().splitlines()

    def run(hidden):
        encoded = [one.ids for one in tokenizer.encode_batch(lines)]
        order = sorted(range(len(lines)), key=lambda index: -len(encoded[index]))
        vectors = [None] * len(lines)
        for start in range(0, len(order), BATCH):
            some = order[start:start + BATCH]
            longest = max(len(encoded[index]) for index in some)
            ids = np.zeros((len(some), longest), np.int64)
            mask = np.zeros((len(some), longest), np.int64)
            for place, index in enumerate(some):
                ids[place, :len(encoded[index])] = encoded[index]
                mask[place, :len(encoded[index])] = 1
            states = hidden(ids, mask)
            seen = mask.astype(np.float32)
            mean = (states * seen[:, :, None]).sum(1) / seen.sum(1)[:, None]
            mean /= np.linalg.norm(mean, axis=1, keepdims=True)
            for place, index in enumerate(some):
                vectors[index] = mean[place].tolist()
        return vectors
    return run


def onnxruntime(model, made, text, threads):
    import numpy as np
    import onnxruntime as runtime

    settings = runtime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = runtime.InferenceSession(f"{made}/int8.onnx", settings, providers=["CPUExecutionProvider"])
    run = batches(model, text)
    return lambda: run(lambda ids, mask: session.run(None, {
        "input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)})[0])


def ctranslate2(model, made, text, threads):
    import numpy as np
    import ctranslate2 as engine

    encoder = engine.Encoder(f"{made}/converted", device="cpu", compute_type="int8", intra_threads=threads)
    run = batches(model, text)

    def hidden(ids, mask):
        lengths = mask.sum(1).tolist()
        output = encoder.forward_batch([ids[row, :length].tolist() for row, length in enumerate(lengths)])
        return np.array(output.last_hidden_state)
    return lambda: run(hidden)


def sentence_transformers(model, made, text, threads):
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    network = SentenceTransformer(model, device="cpu")
    lines = open(text).read().splitlines()
    return lambda: network.encode(lines, batch_size=BATCH, normalize_embeddings=True).tolist()


if sys.argv[1] == "build":
    build(*sys.argv[2:])
else:
    peers = {"onnxruntime": onnxruntime, "CTranslate2": ctranslate2, "sentence-transformers": sentence_transformers}
    serve(peers[sys.argv[1]](*sys.argv[2:5], int(sys.argv[5])))
