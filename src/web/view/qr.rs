//! QR codes as the path of an inline SVG.

use qrcode::{Color, QrCode};

/// Modules of quiet zone on each side (ISO/IEC 18004 §5.3.8).
const QUIET: usize = 4;

/// A picture that a phone's camera reads.
pub(crate) struct Qr {
    /// Modules on each side, the quiet zone included: the view box.
    pub(crate) size: usize,
    /// The dark modules, one rectangle for each run of them in a row.
    pub(crate) path: String,
}

impl Qr {
    /// Draws a text. `None` for one that is too long for any QR code.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let code = QrCode::new(text.as_bytes()).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (row, colors) in code.to_colors().chunks(width).enumerate() {
            let mut column = 0;
            while column < width {
                let run =
                    colors[column..].iter().take_while(|color| **color == Color::Dark).count();
                if run > 0 {
                    path.push_str(&format!("M{} {}h{run}v1h-{run}z", column + QUIET, row + QUIET));
                }
                column += run.max(1);
            }
        }
        Some(Self { size: width + 2 * QUIET, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qr_code_begins_with_the_finder_in_its_corner() {
        let qr =
            Qr::of("otpauth://totp/Vestibule:ann%40example.com?secret=JBSWY3DPEHPK3PXP").unwrap();
        assert!(qr.path.starts_with("M4 4h7v1h-7z"), "{}", qr.path);
        assert_eq!((qr.size - 8 - 17) % 4, 0, "{}", qr.size);
        assert!(Qr::of(&"x".repeat(5000)).is_none());
    }
}
