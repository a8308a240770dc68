"""Bergamot, by the wheel that CPython 3.10 has: MODEL TEXT BATCH WORKERS."""
import pathlib, sys
import requests
# On import the wheel asks the network for a list of models.
requests.get = lambda *_, **__: type("Answer", (), {"text": '{"models": []}'})()
import bergamot
from turns import serve

folder, text, batch, workers = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
vocabulary, = folder.glob("vocab.*.spm")
weights, = folder.glob("model.*.bin")
shortlist, = folder.glob("lex.*.bin")
service = bergamot.Service(bergamot.ServiceConfig(numWorkers=workers))
model = service.modelFromConfig(f"""
models: [{weights}]
vocabs: [{vocabulary}, {vocabulary}]
shortlist: [{shortlist}, false]
beam-size: 1
normalize: 1.0
word-penalty: 0
max-length-break: 128
mini-batch-words: 1024
workspace: 128
max-length-factor: 2.0
skip-cost: true
cpu-threads: 0
quiet: true
quiet-translation: true
gemm-precision: int8shiftAlphaAll
alignment: soft
""")
lines = open(text).read().splitlines()
options = bergamot.ResponseOptions()


def work():
    if batch > 1:
        return [answer.target.text for answer in service.translate(model, bergamot.VectorString(lines), options)]
    return [service.translate(model, bergamot.VectorString([line]), options)[0].target.text for line in lines]


serve(work)
