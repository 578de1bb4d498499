"""datasketch and datatrove on the rows of bench/dedup-peers.ts: bands of 26 x 5 over word bigrams, as Regraft's.

    python dedup_peers.py datasketch|datatrove rows.jsonl work-folder

Prints one JSON line: seconds and CPU seconds (without imports), and the numbers of the rows that were left out.
"""

import json
import os
import re
import resource
import sys
import time

BANDS, ROWS = 26, 5


def cpu_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def datasketch(path, _folder):
    """The first row of those that share a band stays, as in Regraft; datasketch itself checks nothing exactly."""
    from datasketch import MinHash, MinHashLSH

    word = re.compile(r"\w+")
    yield
    index = MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    empty = MinHash(num_perm=BANDS * ROWS, seed=1)
    dropped = []
    with open(path) as file:
        for number, line in enumerate(file):
            words = word.findall(json.loads(line)["text"].lower())
            sketch = empty.copy()
            sketch.update_batch({f"{a} {b}".encode() for a, b in zip(words, words[1:])})
            if index.query(sketch):
                dropped.append(number)
            else:
                index.insert(number, sketch)
    yield dropped


def datatrove(path, folder):
    """Its four steps on local files, two processes, with the cheapest of tokenizers: text is split at spaces."""
    from datatrove.executor.local import LocalPipelineExecutor
    from datatrove.pipeline.dedup.minhash import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter
    from datatrove.utils.hashing import HashConfig
    from datatrove.utils.word_tokenizers import WordTokenizer
    from loguru import logger

    class SpaceTokenizer(WordTokenizer):
        def word_tokenize(self, text):
            return text.split()

        def sent_tokenize(self, text):
            return [text]

        def span_tokenize(self, text):
            return [(0, len(text))]

    logger.remove()
    config = MinhashConfig(n_grams=2, num_buckets=BANDS, hashes_per_bucket=ROWS, hash_config=HashConfig(hash_fc="xxhash"))
    shards, tasks = os.path.join(folder, "shards"), 2
    os.makedirs(shards)
    with open(path) as file:
        lines = file.readlines()
    half = (len(lines) + 1) // tasks
    for task in range(tasks):
        with open(os.path.join(shards, f"{task}.jsonl"), "w") as file:
            file.writelines(lines[task * half : (task + 1) * half])

    def at(name):
        return os.path.join(folder, name)

    def run(pipeline, number, name):
        executor = LocalPipelineExecutor(
            pipeline=pipeline,
            tasks=number,
            workers=min(number, 2),
            logging_dir=at(f"logs-{name}"),
            skip_completed=False,
            # Quicker than its default, and the kernel then counts the processes' CPU time as ours.
            start_method="fork",
        )
        executor.run()

    def reader():
        return JsonlReader(shards, text_key="text", id_key="id")

    yield
    run([reader(), MinhashDedupSignature(at("signatures"), config, SpaceTokenizer())], tasks, "signatures")
    run([MinhashDedupBuckets(at("signatures"), at("buckets"), config=config)], BANDS, "buckets")
    run([MinhashDedupCluster(at("buckets"), at("remove"), config=config)], 1, "cluster")
    run(
        [
            reader(),
            MinhashDedupFilter(at("remove"), exclusion_writer=JsonlWriter(at("dropped"), compression=None)),
            JsonlWriter(at("kept"), compression=None),
        ],
        tasks,
        "filter",
    )
    dropped = []
    for name in os.listdir(at("dropped")):
        with open(os.path.join(at("dropped"), name)) as file:
            dropped += [int(json.loads(line)["id"]) for line in file]
    yield sorted(dropped)


def main():
    name, path, folder = sys.argv[1:]
    steps = {"datasketch": datasketch, "datatrove": datatrove}[name](path, folder)
    next(steps)
    # datatrove reports to standard output.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    start, cpu = time.perf_counter(), cpu_seconds()
    dropped = next(steps)
    figures = {"seconds": time.perf_counter() - start, "cpuSeconds": cpu_seconds() - cpu, "dropped": dropped}
    print(json.dumps(figures), file=answer)


if __name__ == "__main__":
    main()
