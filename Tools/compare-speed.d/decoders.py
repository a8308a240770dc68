"""Llamas of random weights beside llama.cpp: a prompt of 512 tokens, and 128 tokens generated from nothing."""
import json, os, statistics, sys
from turns import in_turn, output, row

# Layers, width, heads, key heads, inner width, words, whether the embeddings are the output's weights too.
SHAPES = {"110m": (12, 768, 12, 12, 2048, 32000, True), "1b": (22, 2048, 32, 4, 5632, 32000, False)}
NAMES = [f"{shape}-{kind}" for shape in SHAPES for kind in ("Q8_0", "Q4_0", "Q4_K")]


def make(path, shape):
    import gguf
    import numpy as np

    layers, width, heads, groups, inner, words, tied = SHAPES[shape]
    draw = np.random.default_rng(1)
    file = gguf.GGUFWriter(str(path), "llama")
    file.add_context_length(4096)
    file.add_embedding_length(width)
    file.add_block_count(layers)
    file.add_feed_forward_length(inner)
    file.add_head_count(heads)
    file.add_head_count_kv(groups)
    file.add_layer_norm_rms_eps(1e-5)
    file.add_rope_dimension_count(width // heads)
    file.add_rope_freq_base(10000.0)
    file.add_vocab_size(words)
    file.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    kinds = [2, 3, 3] + [6] * 256
    tokens += [f"\u2581t{number}" for number in range(words - len(tokens))]
    kinds += [1] * (words - len(kinds))
    file.add_tokenizer_model("llama")
    file.add_token_list(tokens)
    file.add_token_scores([-float(number) for number in range(words)])
    file.add_token_types(kinds)
    file.add_bos_token_id(1)
    file.add_eos_token_id(2)
    file.add_unk_token_id(0)

    def weights(name, *size):
        file.add_tensor(name + ".weight", (draw.standard_normal(size, dtype=np.float32) * 0.02).astype(np.float16))

    def ones(name):
        file.add_tensor(name + ".weight", np.ones(width, np.float32))

    weights("token_embd", words, width)
    ones("output_norm")
    if not tied:
        weights("output", words, width)
    for layer in range(layers):
        block = f"blk.{layer}."
        ones(block + "attn_norm")
        ones(block + "ffn_norm")
        for part, rows in (("attn_q", width), ("attn_k", width // heads * groups), ("attn_v", width // heads * groups), ("attn_output", width),
                           ("ffn_gate", inner), ("ffn_up", inner)):
            weights(block + part, rows, width)
        weights(block + "ffn_down", width, inner)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


def model(setting, name):
    """The file of a shape and a type, which llama.cpp's own tool quantises."""
    path = setting.peers / f"models/{name}.gguf"
    if path.exists():
        return path
    shape, kind = name.split("-")
    whole = setting.peers / f"models/{shape}-F16.gguf"
    whole.parent.mkdir(parents=True, exist_ok=True)
    # Under another name until it is whole.
    unfinished = path.with_suffix(".unfinished")
    if not whole.exists():
        output([setting.peers / "venv/bin/python", __file__, unfinished, shape])
        os.replace(unfinished, whole)
    output([setting.peers / "build-llama/bin/llama-quantize", whole, unfinished, kind])
    os.replace(unfinished, path)
    return path


def rows(setting, names=NAMES, prompt=512, generated=128):
    for name in names:
        path = model(setting, name)
        for threads in setting.threads:
            shares = []

            def ours(prompt, generated):
                figures = json.loads(output([
                    setting.edic, "bench", path, "--prompt", prompt, "--generate", generated, "--rounds", "1",
                    "--precision", "int8", "--workers", threads, "--json"]))
                shares.append(figures["share_of_bandwidth"])
                return figures

            def theirs(prompt, generated):
                return json.loads(output([
                    setting.peers / "build-llama/bin/llama-bench", "-m", path, "-p", prompt, "-n", generated, "-t", threads,
                    "-r", "1", "-o", "json"]))[0]["avg_ts"]

            rates = in_turn(setting.rounds, {
                "edic": lambda: ours(prompt, 1)["prompt_tokens_per_second"], "llama.cpp": lambda: theirs(prompt, 0)})
            yield row(f"{name}, prompt {prompt}, {threads} threads, tok/s", rates, 2)
            shares.clear()
            rates = in_turn(setting.rounds, {
                "edic": lambda: ours(1, generated)["generated_tokens_per_second"], "llama.cpp": lambda: theirs(0, generated)})
            yield row(f"{name}, generated {generated}, {threads} threads, tok/s", rates, 1.15,
                      f"; {statistics.median(shares[1:]):.0%} of reading as many bytes")


if __name__ == "__main__":
    make(*sys.argv[1:])
