//! The Huffman code of header fields (RFC 7541, 5.2 and appendix B).
//!
//! The code is canonical: codes of one length are consecutive, in the order of their symbols, and behind all shorter ones.
//! So the lengths alone say which code belongs to which byte.

use std::sync::LazyLock;

/// The length of each byte's code, in bits.
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6,
    6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7,
    8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7,
    15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24,
    23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23,
    23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26,
    26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20,
    21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27,
    27, 27, 26,
];

/// The longest code of a byte, in bits.
const LONGEST: usize = 30;

/// The bytes, by the length of their codes and then by themselves.
static CODE: LazyLock<Code> = LazyLock::new(|| {
    let mut bytes: Vec<u8> = (0..=u8::MAX).collect();
    bytes.sort_by_key(|byte| (LENGTHS[usize::from(*byte)], *byte));
    let mut counts = [0; LONGEST + 1];
    for length in LENGTHS {
        counts[usize::from(length)] += 1;
    }
    Code { bytes, counts }
});

struct Code {
    bytes: Vec<u8>,
    /// How many codes have so many bits.
    counts: [u32; LONGEST + 1],
}

/// Decodes a text; `None` if it is malformed. It may end with padding: fewer than eight bits, all ones.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let (mut decoded, mut pending) = (Vec::with_capacity(text.len() * 2), Pending::default());
    for byte in text {
        for at in (0..8).rev() {
            if let Some(symbol) = pending.push(byte >> at & 1).ok()? {
                decoded.push(symbol);
            }
        }
    }
    pending.is_padding().then_some(decoded)
}

/// No byte has these bits.
struct NoCode;

/// The bits of a code that is incomplete.
#[derive(Default)]
struct Pending {
    code: u32,
    length: usize,
    /// The first code of this length, and how many bytes have shorter ones.
    first: u32,
    shorter: u32,
}

impl Pending {
    /// Adds a bit; returns the byte that it completes, if it completes one.
    fn push(&mut self, bit: u8) -> Result<Option<u8>, NoCode> {
        self.length += 1;
        self.code = self.code << 1 | u32::from(bit);
        self.first <<= 1;
        let count = *CODE.counts.get(self.length).ok_or(NoCode)?;
        let place = self.code - self.first;
        if place < count {
            let symbol = CODE.bytes[(self.shorter + place) as usize];
            *self = Self::default();
            return Ok(Some(symbol));
        }
        self.first += count;
        self.shorter += count;
        Ok(None)
    }

    fn is_padding(&self) -> bool {
        self.length < 8 && self.code == (1 << self.length) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
    }

    #[test]
    fn the_examples_of_the_standard_are_read() {
        // RFC 7541, C.4 and C.6.
        for (hex, text) in [
            ("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"),
            ("a8eb10649cbf", "no-cache"),
            ("25a849e95ba97d7f", "custom-key"),
            ("25a849e95bb8e8b4bf", "custom-value"),
            ("6402", "302"),
            ("d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("", ""),
        ] {
            assert_eq!(decode(&bytes(hex)), Some(text.as_bytes().to_vec()), "{text}");
        }
    }

    #[test]
    fn padding_of_a_byte_or_of_anything_but_ones_is_refused() {
        for hex in ["6402ff", "64", "ffffffff"] {
            assert_eq!(decode(&bytes(hex)), None, "{hex}");
        }
    }
}
