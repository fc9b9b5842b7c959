//! PostgreSQL's binary `numeric`: groups of four decimal digits, exact at any size.

use super::column::Bad;

const NEGATIVE: u16 = 0x4000;
const NOT_A_NUMBER: u16 = 0xc000;
const INFINITE: u16 = 0xd000;
const MINUS_INFINITE: u16 = 0xf000;

/// The value in plain notation; `NaN` and the infinities by PostgreSQL's names.
pub(super) fn text(bytes: &[u8]) -> Result<String, Bad> {
    let words = words(bytes)?;
    let [groups, weight, sign, scale, digits @ ..] = words.as_slice() else {
        return Err(Bad::Broken);
    };
    if digits.len() != usize::from(*groups) {
        return Err(Bad::Broken);
    }
    let sign = match *sign {
        0 => "",
        NEGATIVE => "-",
        NOT_A_NUMBER => return Ok("NaN".to_owned()),
        INFINITE => return Ok("Infinity".to_owned()),
        MINUS_INFINITE => return Ok("-Infinity".to_owned()),
        _ => return Err(Bad::Broken),
    };
    // The weight is signed: how many groups stand before the point, less one.
    let before = i32::from(weight.cast_signed()) + 1;
    let group = |index: i32| usize::try_from(index).ok().and_then(|index| digits.get(index)).copied().unwrap_or(0);
    let mut text = String::new();
    for index in 0..before.max(0) {
        text.push_str(&format!("{:04}", group(index)));
    }
    let whole = text.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let scale = usize::from(*scale);
    if scale == 0 {
        return Ok(format!("{sign}{whole}"));
    }
    let mut fraction = String::with_capacity(scale + 4);
    let mut index = before;
    while fraction.len() < scale {
        fraction.push_str(&format!("{:04}", group(index)));
        index += 1;
    }
    fraction.truncate(scale);
    Ok(format!("{sign}{whole}.{fraction}"))
}

/// The value times ten to the power of `scale`.
pub(super) fn scaled(bytes: &[u8], scale: i8) -> Result<i128, Bad> {
    let text = text(bytes)?;
    if !text.ends_with(|last: char| last.is_ascii_digit()) {
        return Err(Bad::NotFinite);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let missing = usize::try_from(scale).ok().and_then(|scale| scale.checked_sub(fraction.len())).ok_or(Bad::Broken)?;
    format!("{whole}{fraction}{}", "0".repeat(missing)).parse().map_err(|_| Bad::Broken)
}

fn words(bytes: &[u8]) -> Result<Vec<u16>, Bad> {
    if !bytes.len().is_multiple_of(2) {
        return Err(Bad::Broken);
    }
    Ok(bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn numbers_keep_every_digit() {
        for (words, expected) in [
            (&[2, 0, 0, 2, 12, 5000][..], "12.50"),
            (&[1, 0xffff, NEGATIVE, 4, 5][..], "-0.0005"),
            (&[1, 0xfffe, 0, 8, 5][..], "0.00000005"),
            (&[1, 1, 0, 0, 12][..], "120000"),
            (&[0, 0, 0, 2][..], "0.00"),
            (&[3, 2, 0, 0, 1, 0, 7][..], "100000007"),
            (&[0, 0, NOT_A_NUMBER, 0][..], "NaN"),
        ] {
            assert_eq!(text(&bytes(words)).ok().as_deref(), Some(expected));
        }
        assert_eq!(scaled(&bytes(&[2, 0, 0, 2, 12, 5000]), 2).ok(), Some(1250));
        assert_eq!(scaled(&bytes(&[0, 0, 0, 0]), 2).ok(), Some(0));
        assert!(scaled(&bytes(&[0, 0, NOT_A_NUMBER, 0]), 2).is_err());
        assert!(text(&[0, 1]).is_err());
    }
}
