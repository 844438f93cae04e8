//! Cursors as clients of the public API see them, whatever it speaks.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cart::{Cursor, ProductId};

/// The text by which a client asks for the page behind a product. It is opaque: only its own page gives it.
pub(crate) fn cursor_text(cursor: &Cursor) -> String {
    let bytes = [&cursor.id.0.to_be_bytes(), cursor.name.as_bytes()].concat();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Parses what [`cursor_text`] writes.
pub(crate) fn cursor(text: &str) -> Option<Cursor> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (id, name) = bytes.split_first_chunk()?;
    let name = String::from_utf8(name.to_vec()).ok()?;
    Some(Cursor { name, id: ProductId(u128::from_be_bytes(*id)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is_one() {
        for name in ["", "Tea", "\u{e4}, \"b\" & c?"] {
            let written = Cursor { name: name.to_owned(), id: ProductId(7) };
            assert_eq!(cursor(&cursor_text(&written)), Some(written));
        }
        for text in ["", "x", "AAAA", "%%", &URL_SAFE_NO_PAD.encode([0xff; 17])] {
            assert_eq!(cursor(text), None, "{text}");
        }
    }
}
