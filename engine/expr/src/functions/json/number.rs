//! A number of a JSON document as Java's `BigDecimal.toString` writes it: digits stay, exponents are normalised.
//! For example `1.50` stays, `1e3` is `1E+3`, `0.0000001` is `1E-7`.

use std::fmt::Write;

/// Appends the number, which must be sound.
pub(super) fn write(number: &str, out: &mut String) {
    let plain = !number.contains(['e', 'E']);
    if plain && !number.contains('.') {
        out.push_str(number);
        return;
    }
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().unwrap_or(0)),
        None => (number, 0),
    };
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = match all.trim_start_matches('0') {
        "" => "0",
        other => other,
    };
    let scale = fraction.len() as i64 - exponent;
    let adjusted = digits.len() as i64 - 1 - scale;
    out.push_str(if digits == "0" { "" } else { sign });
    if scale == 0 {
        out.push_str(digits);
    } else if scale > 0 && adjusted >= -6 {
        let point = digits.len() as i64 - scale;
        if point > 0 {
            let (before, behind) = digits.split_at(point as usize);
            let _ = write!(out, "{before}.{behind}");
        } else {
            out.push_str("0.");
            out.extend(std::iter::repeat_n('0', point.unsigned_abs() as usize));
            out.push_str(digits);
        }
    } else {
        let (first, rest) = digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            let _ = write!(out, ".{rest}");
        }
        if adjusted != 0 {
            let _ = write!(out, "E{adjusted:+}");
        }
    }
}
