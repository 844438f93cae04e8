//! The formatting of numbers, the same everywhere in the lab.

/// Three significant digits, without an exponent: `0.412`, `1.83`, `18.3`, `183`, `1,830`.
pub fn three_digits(value: f64) -> String {
    let size = value.abs();
    let digits = if size >= 999.5 {
        count(size.round() as u64)
    } else if size >= 99.95 || size == 0.0 {
        format!("{size:.0}")
    } else if size >= 9.995 {
        format!("{size:.1}")
    } else if size >= 0.9995 {
        format!("{size:.2}")
    } else {
        format!("{size:.3}")
    };
    signed(value, digits)
}

/// The sign of a value before its digits. Zero has none, which `format!` gives it where a sum of nothing is -0.0.
fn signed(value: f64, digits: String) -> String {
    let is_zero = digits.bytes().all(|digit| matches!(digit, b'0' | b'.'));
    if value < 0.0 && !is_zero { format!("-{digits}") } else { digits }
}

/// An integer with thousands separators: `119,952`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// With as few decimals as the number needs, three at most.
pub fn trimmed(value: f64) -> String {
    let text = format!("{:.3}", value.abs());
    signed(value, text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.0414, "0.041"),
            (0.412, "0.412"),
            (1.834, "1.83"),
            (9.999, "10.0"),
            (183.4, "183"),
            (1834.0, "1,834"),
            (-0.0, "0"),
            (-0.0001, "0.000"),
            (-1.834, "-1.83"),
            (-1834.0, "-1,834"),
        ] {
            assert_eq!(three_digits(value), text);
        }
        for (value, text) in [(-0.0, "0"), (-0.0001, "0"), (-0.25, "-0.25"), (1_830.0, "1830")] {
            assert_eq!(trimmed(value), text);
        }
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(12), "12");
    }
}
