"""BLAKE3 of small files, after the paper, for manifests of evidence; slow, and sharing nothing with the product."""

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
QUARTERS = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
MASK = 0xFFFFFFFF
BLOCK, CHUNK = 64, 1024


def _rotate(value, bits):
    return (value >> bits | value << 32 - bits) & MASK


def _compress(chaining, block, counter, length, flags):
    words = [int.from_bytes(block[i : i + 4], "little") for i in range(0, BLOCK, 4)]
    state = [*chaining, *IV[:4], counter & MASK, counter >> 32, length, flags]
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(QUARTERS):
            for word, first, second in ((words[2 * i], 16, 12), (words[2 * i + 1], 8, 7)):
                state[a] = state[a] + state[b] + word & MASK
                state[d] = _rotate(state[d] ^ state[a], first)
                state[c] = state[c] + state[d] & MASK
                state[b] = _rotate(state[b] ^ state[c], second)
        words = [words[i] for i in PERMUTATION]
    return [state[i] ^ state[i + 8] for i in range(8)]


def _chunk(data, counter, last_flags):
    chaining = IV
    blocks = [data[i : i + BLOCK] for i in range(0, len(data), BLOCK)] or [b""]
    for i, block in enumerate(blocks):
        flags = CHUNK_START if i == 0 else 0
        if i == len(blocks) - 1:
            flags |= CHUNK_END | last_flags
        chaining = _compress(chaining, block.ljust(BLOCK, b"\0"), counter, len(block), flags)
    return chaining


def _parent(left, right, flags):
    block = b"".join(word.to_bytes(4, "little") for word in [*left, *right])
    return _compress(IV, block, 0, BLOCK, PARENT | flags)


def _tree(data, counter, flags):
    if len(data) <= CHUNK:
        return _chunk(data, counter, flags)
    left = CHUNK
    while left * 2 < len(data):
        left *= 2
    return _parent(_tree(data[:left], counter, 0), _tree(data[left:], counter + left // CHUNK, 0), flags)


def digest(data):
    """64 lower-case hexadecimal digits."""
    return b"".join(word.to_bytes(4, "little") for word in _tree(data, 0, ROOT)).hex()
