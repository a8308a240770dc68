"""A Marian transformer of OPUS-MT's shape, 6 + 6 layers of 512, beside CTranslate2: 31 tokens in, 32 out."""
import json, pathlib, random, sys
from turns import Conversation, Worker, agreement, in_turn, output, row, without_opening

VOCABULARY, LENGTH = 58101, 32


def make(folder):
    """Random weights in files of Hugging Face with a vocabulary of t0, t1, …, and the same model converted."""
    import sentencepiece.sentencepiece_model_pb2 as pieces
    import torch
    from ctranslate2.converters.transformers import MarianMTLoader
    from transformers import MarianConfig, MarianMTModel

    torch.manual_seed(1)
    shape = MarianConfig(
        vocab_size=VOCABULARY, d_model=512, encoder_layers=6, decoder_layers=6, encoder_attention_heads=8, decoder_attention_heads=8,
        encoder_ffn_dim=2048, decoder_ffn_dim=2048, activation_function="swish", scale_embedding=True, eos_token_id=0,
        pad_token_id=VOCABULARY - 1, decoder_start_token_id=VOCABULARY - 1, max_position_embeddings=512,
        share_encoder_decoder_embeddings=True, tie_word_embeddings=True, forced_eos_token_id=None)
    model = MarianMTModel(shape).eval()
    ours = folder / "published"
    model.save_pretrained(ours)
    words = ["</s>", "<unk>"] + [f"\u2581t{number}" for number in range(2, VOCABULARY - 1)] + ["<pad>"]
    (ours / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (ours / "generation_config.json").write_text(json.dumps(dict(
        max_length=LENGTH + 1, num_beams=1, eos_token_id=0, pad_token_id=VOCABULARY - 1,
        decoder_start_token_id=VOCABULARY - 1, bad_words_ids=[[VOCABULARY - 1]])))
    (ours / "tokenizer_config.json").write_text(json.dumps(dict(source_lang="en", target_lang="pt", separate_vocabs=False)))
    vocabulary = pieces.ModelProto()
    vocabulary.trainer_spec.model_type = 1
    vocabulary.normalizer_spec.name = "identity"
    vocabulary.normalizer_spec.add_dummy_prefix = True
    kinds = pieces.ModelProto.SentencePiece
    vocabulary.pieces.add(piece="<unk>", score=0, type=kinds.UNKNOWN)
    for number, word in enumerate(words[2:-1]):
        vocabulary.pieces.add(piece=word, score=-1 - number * 1e-6, type=kinds.NORMAL)
    for side in ("source", "target"):
        (ours / f"{side}.spm").write_bytes(vocabulary.SerializeToString())

    spec = MarianMTLoader().get_model_spec(model)
    # The converter leaves the padding out.
    theirs = ["</s>", "<unk>"] + [f"t{number}" for number in range(2, VOCABULARY - 1)]
    spec.register_source_vocabulary(theirs)
    spec.register_target_vocabulary(theirs)
    spec.config.eos_token, spec.config.unk_token, spec.config.decoder_start_token = "</s>", "<unk>", "</s>"
    spec.config.add_source_eos = True
    spec.validate()
    spec.optimize(quantization=None)
    (folder / "converted").mkdir(exist_ok=True)
    spec.save(str(folder / "converted"))


def words(lines):
    return sum(len(line.split()) for line in lines)


def rows(setting):
    folder = setting.peers / "models/marian-base"
    python = setting.peers / "venv/bin/python"
    if not (folder / "converted/model.bin").exists():
        folder.mkdir(parents=True, exist_ok=True)
        output([python, __file__, folder])
    draw = random.Random(7)
    lines = [" ".join(f"t{draw.randrange(2, VOCABULARY - 1)}" for _ in range(LENGTH - 1)) for _ in range(256)]
    (folder / "lines.txt").write_text("\n".join(lines))
    for threads in setting.threads:
        for batch, beam, bar in ((32, 1, 2), (32, 4, 2), (1, 1, 2.5), (1, 4, 2.5)):
            # Enough that opening, which is taken off, is little beside them.
            some = lines[:8 if batch == 1 else 256 // beam]
            command = [str(setting.edic), "translate", "--model", str(folder / "published"), "--precision", "int8",
                       "--beam", str(beam), "--batch", str(batch), "--workers", str(threads)]
            settings = [(1, threads)] if threads == 1 or batch == 1 else [(1, threads), (threads, 1)]
            peers = {f"CTranslate2 {inter}×{intra}": Worker(python, "ctranslate2_worker.py", folder, len(some), batch, beam, inter, intra, LENGTH,
                                                               threads=intra)
                     for inter, intra in settings}
            theirs = next(iter(peers.values())).said["output"]
            contenders = {name: peer.rate(words(theirs)) for name, peer in peers.items()}
            if batch == 1:
                talk = Conversation(command, some)
                ours, contenders["edic"] = talk.said, talk.rate(words(talk.said))
                peers["edic"] = talk
            else:
                ours = output(command, "\n".join(some) + "\n").splitlines()
                contenders["edic"] = without_opening(command, threads, some, words(ours), ["--batch", "1"])
            rates = in_turn(setting.rounds, contenders)
            for peer in peers.values():
                peer.close()
            yield row(f"base, batch {batch}, beam {beam}, {threads} threads, tok/s", rates, bar,
                      f"; {agreement(ours, theirs):.0%} of lines equal")


if __name__ == "__main__":
    make(pathlib.Path(sys.argv[1]))
