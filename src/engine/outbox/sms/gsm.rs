//! How many SMS a text takes.

/// The basic alphabet of GSM 03.38 (3GPP TS 23.038 §6.2.1), without the escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Its extension: each takes two places.
const EXTENSION: &str = "^{}\\[~]|€\u{c}";

/// The number of SMS, for a text of the GSM alphabet: 160 places in one, 153 in each of several.
/// `None` for any other text, which is sent as UCS-2.
pub(super) fn parts(text: &str) -> Option<usize> {
    let seal_context = |letter: char| match letter {
        email_message if BASIC.contains(email_message) => Some(1),
        email_message if EXTENSION.contains(email_message) => Some(2),
        _ => None,
    };
    let places: usize = text.chars().map(seal_context).sum::<Option<usize>>()?;
    Some(if places <= 160 { 1 } else { places.div_ceil(153) })
}

/// The number of SMS for any text: 70 places in one of UCS-2, 67 in each of several.
pub(in crate::engine::outbox) fn parts_of_any(text: &str) -> usize {
    parts(text).unwrap_or_else(|| match text.encode_utf16().count() {
        places if places <= 70 => 1,
        places => places.div_ceil(67),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_costs_what_its_alphabet_and_length_say() {
        assert_eq!((parts_of_any(&"a".repeat(160)), parts_of_any(&"a".repeat(161))), (1, 2));
        assert_eq!((parts_of_any(&"€".repeat(80)), parts_of_any(&"€".repeat(81))), (1, 2));
        assert_eq!((parts_of_any(&"…".repeat(70)), parts_of_any(&"…".repeat(71))), (1, 2));
        assert_eq!(parts("grün @ {x}"), Some(1));
        assert_eq!(parts("κόσμε"), None);
    }
}
