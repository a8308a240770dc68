"""CTranslate2 over the first lines of a file, in int8: FOLDER LINES BATCH BEAM INTER INTRA LENGTH."""
import sys
import ctranslate2
from turns import serve

folder, lines, batch, beam, inter, intra, length = sys.argv[1], *map(int, sys.argv[2:])
translator = ctranslate2.Translator(f"{folder}/converted", device="cpu", compute_type="int8", inter_threads=inter, intra_threads=intra)
texts = [line.split() for line in open(f"{folder}/lines.txt").read().splitlines()[:lines]]


def work():
    results = translator.translate_batch(texts, beam_size=beam, max_batch_size=batch, max_decoding_length=length, min_decoding_length=length)
    return [" ".join(result.hypotheses[0]) for result in results]


serve(work)
