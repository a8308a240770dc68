"""Sentence embeddings by all-MiniLM-L6-v2 beside the engines that people run it with: 400 sentences, tokenizing included."""
import math, pathlib
from turns import Worker, in_turn, output, row, without_opening


def similarity(ours, theirs):
    """The mean cosine of vectors of length 1."""
    return sum(math.fsum(a * b for a, b in zip(one, other)) for one, other in zip(ours, theirs)) / len(theirs)


def rows(setting):
    model, python = setting.models / "all-minilm-l6-v2", setting.peers / "venv/bin/python"
    made = setting.peers / "models/minilm"
    if not (made / "converted").exists():
        made.mkdir(parents=True, exist_ok=True)
        output([python, pathlib.Path(__file__).parent / "minilm_worker.py", "build", model, made])
    lines = setting.sentences(400)
    texts = setting.peers / "data/minilm.txt"
    texts.parent.mkdir(parents=True, exist_ok=True)
    texts.write_text("".join(line + "\n" for line in lines))
    for threads in setting.threads:
        command = [str(setting.edic), "embed", "--model", str(model), "--precision", "int8", "--workers", str(threads)]
        peers = {name: Worker(python, "minilm_worker.py", name, model, made, texts, threads, threads=threads)
                 for name in ("onnxruntime", "CTranslate2", "sentence-transformers")}
        ours = [[float(number) for number in line.split()] for line in output(command, texts.read_text()).splitlines()]
        likeness = "".join(f", {similarity(ours, peer.said['output']):.4f}" for peer in peers.values())
        rates = in_turn(setting.rounds, {
            "edic": without_opening(command, threads, lines, len(lines)),
            **{name: peer.rate(len(lines)) for name, peer in peers.items()}})
        for peer in peers.values():
            peer.close()
        yield row(f"MiniLM, {threads} threads, sentences/s", rates, 2, f"; cosines {likeness[2:]}")
