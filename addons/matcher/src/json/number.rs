//! Numbers of JSON by their values.

/// The most digits of a number that is written without an exponent.
const PLAIN: usize = 20;

/// The one form of a number's value, whatever it was written like, such as `2` for `2.0` and `20e-1`; nothing where the text
/// is that form itself, or no number, or its exponent is too large to reckon with.
pub(super) fn plain(text: &[u8]) -> Option<String> {
    let is_negative = text.first() == Some(&b'-');
    let digits = text.get(usize::from(is_negative)..)?;
    // Most numbers are integers of a few digits, which JSON begins with a zero only if they have no other.
    let is_plain = digits.len() <= PLAIN && digits.iter().all(u8::is_ascii_digit) && text != b"-0";
    if is_plain || !digits.first()?.is_ascii_digit() {
        return None;
    }
    let digits = str::from_utf8(digits).ok()?;
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    let digits = all.trim_start_matches('0').trim_end_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    let cut = all.len() - all.trim_end_matches('0').len();
    let exponent: i64 = exponent.parse().ok()?;
    let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(i64::try_from(cut).ok()?)?;
    let sign = if is_negative { "-" } else { "" };
    Some(match (usize::try_from(exponent), usize::try_from(exponent.unsigned_abs())) {
        (Ok(zeros), _) if zeros <= PLAIN && digits.len() + zeros <= PLAIN => {
            format!("{sign}{digits}{}", "0".repeat(zeros))
        }
        (Err(_), Ok(places)) if places <= PLAIN => match digits.len().checked_sub(places).filter(|whole| *whole > 0) {
            Some(whole) => {
                let (whole, fraction) = digits.split_at_checked(whole)?;
                format!("{sign}{whole}.{fraction}")
            }
            None => format!("{sign}0.{}{digits}", "0".repeat(places - digits.len())),
        },
        _ => format!("{sign}{digits}e{exponent}"),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::plain;

    fn form(text: &str) -> String {
        plain(text.as_bytes()).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn numbers_have_one_form_for_one_value() {
        for (texts, expected) in [
            (&["2", "2.0", "2e0", "0.2E+1", "20e-1", "200.00e-2"][..], "2"),
            (&["0", "-0", "0.0", "-0.00e5", "0e99999999999999999999"], "0"),
            (&["-1.50", "-15e-1", "-0.15E1"], "-1.5"),
            (&["0.001", "1e-3", "0.1E-2"], "0.001"),
            (&["12345678901234567890", "1.234567890123456789E19"], "12345678901234567890"),
            (&["123456789012345678901", "123456789012345678901.0"], "123456789012345678901e0"),
            (&["100000000000000000000000", "1e23", "10.0e22"], "1e23"),
            (&["1e-400", "0.1e-399"], "1e-400"),
        ] {
            for text in texts {
                assert_eq!(form(text), expected, "{text}");
            }
        }
        for other in ["true", "null", "\"1\"", "", "-", "1e99999999999999999999"] {
            assert_eq!(plain(other.as_bytes()), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_form_is_its_own_form(text in "-?(0|[1-9][0-9]{0,25})([.][0-9]{1,25})?([eE][+-]?[0-9]{1,3})?") {
            let once = form(&text);
            prop_assert_eq!(form(&once), once.clone());
            let value: f64 = text.parse().unwrap();
            prop_assert_eq!(once.parse::<f64>().unwrap(), value);
        }

        #[test]
        fn an_exponent_moves_the_point(digits in 1..1_000_000_000u64, places in 0..40usize) {
            prop_assert_eq!(form(&format!("{digits}e-{places}")), form(&format!("{digits}000e-{}", places + 3)));
        }
    }
}
