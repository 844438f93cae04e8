//! Header fields of HTTP/2 (RFC 7541), as far as a gRPC call needs them.
//!
//! Nothing is remembered from one block to the next: this side announces a dynamic table of no bytes, and uses none itself.

use super::huffman;

/// The statuses of the static table, from its entry 8 on.
const STATUSES: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
const FIRST_STATUS: usize = 8;
/// The entries of the static table.
const STATIC: usize = 61;

/// A field whose name matters.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// `:status`.
    Status(u16),
    /// A field with a name of its own, as those of gRPC have.
    Named(Vec<u8>, Vec<u8>),
}

/// Reads a block of fields, and passes on those that matter; `None` if it is malformed.
pub(super) fn decode(block: &[u8], mut found: impl FnMut(Field)) -> Option<()> {
    let mut rest = block;
    while let Some(&first) = rest.first() {
        match first {
            0x80.. => {
                let index = number(&mut rest, 7)?;
                match index.checked_sub(FIRST_STATUS).and_then(|at| STATUSES.get(at)) {
                    Some(status) => found(Field::Status(*status)),
                    None if (1..=STATIC).contains(&index) => {}
                    None => return None,
                }
            }
            // The size of the dynamic table.
            0x20..0x40 => {
                number(&mut rest, 5)?;
            }
            _ => {
                let index = number(&mut rest, if first >= 0x40 { 6 } else { 4 })?;
                let name = if index == 0 { Some(text(&mut rest)?) } else { None };
                let value = text(&mut rest)?;
                match name {
                    Some(name) => found(Field::Named(name, value)),
                    None if (FIRST_STATUS..FIRST_STATUS + STATUSES.len()).contains(&index) => {
                        found(Field::Status(std::str::from_utf8(&value).ok()?.parse().ok()?));
                    }
                    None if index <= STATIC => {}
                    None => return None,
                }
            }
        }
    }
    Some(())
}

/// Writes a field that has this entry of the static table as its name.
pub(super) fn write(block: &mut Vec<u8>, entry: usize, value: &[u8]) {
    write_number(block, 4, 0, entry);
    write_text(block, value);
}

/// Writes a field with a name of its own.
pub(super) fn write_named(block: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    block.push(0);
    write_text(block, name);
    write_text(block, value);
}

fn write_text(block: &mut Vec<u8>, text: &[u8]) {
    write_number(block, 7, 0, text.len());
    block.extend_from_slice(text);
}

/// Writes a number behind a prefix that leaves so many bits of the first byte (RFC 7541, 5.1).
fn write_number(block: &mut Vec<u8>, bits: u32, prefix: u8, number: usize) {
    let most = (1_usize << bits) - 1;
    if number < most {
        return block.push(prefix | number as u8);
    }
    block.push(prefix | most as u8);
    let mut rest = number - most;
    while rest >= 0x80 {
        block.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    block.push(rest as u8);
}

/// Reads a number that has so many bits of the first byte.
fn number(rest: &mut &[u8], bits: u32) -> Option<usize> {
    let most = (1_usize << bits) - 1;
    let mut number = usize::from(take(rest)?) & most;
    if number < most {
        return Some(number);
    }
    // Four further bytes are more than any block of the largest size needs.
    for shift in [0, 7, 14, 21] {
        let byte = usize::from(take(rest)?);
        number += (byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn text(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let is_huffman = *rest.first()? >= 0x80;
    let length = number(rest, 7)?;
    let (text, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    if is_huffman { huffman::decode(text) } else { Some(text.to_vec()) }
}

fn take(rest: &mut &[u8]) -> Option<u8> {
    let (first, behind) = rest.split_first()?;
    *rest = behind;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(block: &[u8]) -> Option<Vec<Field>> {
        let mut fields = Vec::new();
        decode(block, |field| fields.push(field)).map(|()| fields)
    }

    #[test]
    fn what_is_written_is_read() {
        let long = [b'x'; 300];
        let mut block = Vec::new();
        write(&mut block, 31, b"application/grpc");
        write_named(&mut block, b"grpc-status", b"0");
        write_named(&mut block, b"long", &long);
        write(&mut block, 8, b"201");
        let named = |name: &str, value: &[u8]| Field::Named(name.as_bytes().to_vec(), value.to_vec());
        assert_eq!(
            read(&block),
            Some(vec![named("grpc-status", b"0"), named("long", &long), Field::Status(201)])
        );
    }

    #[test]
    fn indexed_fields_are_those_of_the_static_table() {
        // RFC 7541, C.6.1, without what the dynamic table adds: `:status: 302`, `cache-control: private`.
        let block = [0x20, 0x48, 0x82, 0x64, 0x02, 0x58, 0x85, 0xae, 0xc3, 0x77, 0x1a, 0x4b];
        assert_eq!(read(&block), Some(vec![Field::Status(302)]));
        assert_eq!(read(&[0x88, 0x8e, 0x90]), Some(vec![Field::Status(200), Field::Status(500)]));
    }

    #[test]
    fn a_block_that_is_cut_off_or_names_what_is_not_there_is_refused() {
        for block in [&[0x80][..], &[0xbe], &[0x00], &[0x00, 0x01], &[0x00, 0x01, b'a', 0x02, b'b'], &[0x7f]]
        {
            assert_eq!(read(block), None, "{block:?}");
        }
        assert_eq!(read(&[0xff, 0x80, 0x80, 0x80, 0x80, 0x01]), None, "a number without an end");
    }
}
