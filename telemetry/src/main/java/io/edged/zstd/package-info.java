/**
 * A decoder of Zstandard (RFC 8878) in plain Java: no native code, no unsafe memory access, every
 * index checked by the language. It takes one frame in parts cut anywhere, holds no more than the
 * frame's window and one block, and gives out each block as it is decoded.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.zstd.ZstdDecoder}</td>
 *       <td>frames: header, blocks, checksum; the way in</td></tr>
 *   <tr><td>{@link io.edged.zstd.ZstdException}</td><td>why bytes are not such a frame</td></tr>
 *   <tr><td>{@code Block}</td><td>a compressed block: literals, then sequences</td></tr>
 *   <tr><td>{@code Window}</td><td>what was decoded, as far back as matches may reach</td></tr>
 *   <tr><td>{@code Huffman}, {@code FseTable}, {@code BackwardBits}</td>
 *       <td>the entropy codes</td></tr>
 *   <tr><td>{@code XxHash64}</td><td>the checksum of the content</td></tr>
 * </table>
 */
@NullMarked
package io.edged.zstd;

import org.jspecify.annotations.NullMarked;
