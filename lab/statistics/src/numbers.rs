//! The formatting of numbers, the same everywhere in the lab.

/// Three significant digits, without an exponent: `0.412`, `1.83`, `18.3`, `183`, `1,830`.
pub fn three_digits(value: f64) -> String {
    let size = value.abs();
    if size >= 999.5 {
        count(value.round() as u64)
    } else if size >= 99.95 || size == 0.0 {
        format!("{value:.0}")
    } else if size >= 9.995 {
        format!("{value:.1}")
    } else if size >= 0.9995 {
        format!("{value:.2}")
    } else {
        format!("{value:.3}")
    }
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
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
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
        ] {
            assert_eq!(three_digits(value), text);
        }
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(12), "12");
    }
}
