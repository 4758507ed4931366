//! Pictures: from whatever was uploaded to something that is safe to serve.
//!
//! A picture is recognised by its content, never by its name or its declared type; its dimensions are read from the header
//! and judged before any pixel is decoded; then it is turned upright, cropped or scaled, and encoded again, so that no byte
//! of the upload survives: no EXIF, no position, no second file hidden behind the first (SECURITY.md S68, S69).
//!
//! Everything here blocks and may use much memory: call it through the [`Darkroom`](super::darkroom::Darkroom).

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, codecs::jpeg::JpegEncoder,
    imageops::FilterType, metadata::Orientation,
};

use crate::port::{Code, Picture};

/// The largest upload that is looked at. A phone's photo has 3 to 6 MB.
pub(crate) const MAX_BYTES: usize = 8 * 1024 * 1024;
/// The widest and highest picture that is decoded: 64 megapixels, more than cameras of phones make by default.
const MAX_SIDE: u32 = 8000;
/// What a decoder may allocate: 8000 × 8000 pixels of four bytes.
const MAX_DECODED_BYTES: u64 = 8000 * 8000 * 4;
/// A profile picture's side: shown at 88 px, four times sharper screens included.
const AVATAR_SIDE: u32 = 512;
/// The longer side of any other picture.
const UPLOAD_SIDE: u32 = 2048;
/// From here on nobody sees the difference, and the file is a third of that of quality 95.
const JPEG_QUALITY: u8 = 85;

/// How a picture is brought to size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// The largest square in the middle, 512 px at most.
    Avatar,
    /// The whole picture, 2048 px at most.
    Whole,
}

/// Decodes, turns upright, frames and encodes again: JPEG, or PNG when something of it is transparent.
///
/// # Errors
/// `MissingPicture`, `PictureTooLarge`, `PictureTooWide`, or `NotAPicture` for everything that is not a whole JPEG, PNG,
/// WebP or GIF.
pub(crate) fn develop(bytes: &[u8], framing: Framing) -> Result<Picture, Code> {
    check_size(bytes)?;
    let picture = decode(bytes)?;
    let picture = match framing {
        Framing::Avatar => square(picture),
        Framing::Whole => fitted(picture),
    };
    encode(&picture)
}

/// The part of the judgement that costs nothing, so that it can be made before waiting for a place.
///
/// # Errors
/// `MissingPicture` or `PictureTooLarge`.
pub(crate) fn check_size(bytes: &[u8]) -> Result<(), Code> {
    match bytes.len() {
        0 => Err(Code::MissingPicture),
        length if length > MAX_BYTES => Err(Code::PictureTooLarge),
        _ => Ok(()),
    }
}

fn decode(bytes: &[u8]) -> Result<DynamicImage, Code> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| Code::NotAPicture)?;
    if !matches!(reader.format(), Some(ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif)) {
        return Err(Code::NotAPicture);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| judged(&error))?;
    // WebP heeds no limits, so the header is judged here for every format.
    let (width, height) = decoder.dimensions();
    if width > MAX_SIDE || height > MAX_SIDE || decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err(Code::PictureTooWide);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| judged(&error))?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn judged(error: &ImageError) -> Code {
    match error {
        ImageError::Limits(_) => Code::PictureTooWide,
        _ => Code::NotAPicture,
    }
}

fn square(picture: DynamicImage) -> DynamicImage {
    let side = picture.width().min(picture.height());
    let (left, top) = ((picture.width() - side) / 2, (picture.height() - side) / 2);
    let cropped = picture.crop_imm(left, top, side, side);
    if side > AVATAR_SIDE { cropped.resize_exact(AVATAR_SIDE, AVATAR_SIDE, FilterType::Triangle) } else { cropped }
}

fn fitted(picture: DynamicImage) -> DynamicImage {
    if picture.width().max(picture.height()) > UPLOAD_SIDE {
        picture.resize(UPLOAD_SIDE, UPLOAD_SIDE, FilterType::Triangle)
    } else {
        picture
    }
}

fn encode(picture: &DynamicImage) -> Result<Picture, Code> {
    let mut bytes = Vec::new();
    if is_transparent(picture) {
        let pixels = DynamicImage::ImageRgba8(picture.to_rgba8());
        pixels.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).map_err(|_| Code::NotAPicture)?;
        return Ok(Picture { mime_type: "image/png", bytes });
    }
    let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    picture.to_rgb8().write_with_encoder(encoder).map_err(|_| Code::NotAPicture)?;
    Ok(Picture { mime_type: "image/jpeg", bytes })
}

/// Whether a pixel lets something shine through. An alpha channel alone says little: screenshots have one, all opaque.
fn is_transparent(picture: &DynamicImage) -> bool {
    picture.color().has_alpha() && picture.to_rgba8().pixels().any(|pixel| pixel.0[3] < u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    #[test]
    fn a_profile_picture_becomes_a_square_jpeg_of_512_pixels() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
            let picture = develop(&written(&opaque(900, 600), format), Framing::Avatar).unwrap();
            assert_eq!(picture.mime_type, "image/jpeg", "{format:?}");
            assert_eq!(size_of(&picture), (512, 512));
        }
    }

    #[test]
    fn a_transparent_picture_stays_transparent_and_a_small_one_small() {
        let glass = DynamicImage::ImageRgba8(RgbaImage::from_pixel(20, 30, Rgba([1, 2, 3, 40])));
        let picture = develop(&written(&glass, ImageFormat::Png), Framing::Avatar).unwrap();
        assert_eq!((picture.mime_type, size_of(&picture)), ("image/png", (20, 20)));
    }

    #[test]
    fn an_upload_keeps_its_shape_and_gets_2048_pixels_at_most() {
        let picture = develop(&written(&opaque(3000, 1500), ImageFormat::Png), Framing::Whole).unwrap();
        assert_eq!(size_of(&picture), (2048, 1024));
    }

    #[test]
    fn a_photo_taken_sideways_is_turned_upright_and_tells_no_longer_where_it_was_taken() {
        let upload = with_exif(&written(&opaque(40, 20), ImageFormat::Jpeg));
        let picture = develop(&upload, Framing::Whole).unwrap();
        assert_eq!(size_of(&picture), (20, 40));
        assert!(!picture.bytes.windows(4).any(|window| window == b"Exif" || window == b"GPS!"), "S69");
    }

    #[test]
    fn a_picture_bomb_is_refused_by_its_header_s68() {
        for side in [100_000_u32, 8001] {
            let mut bomb = written(&opaque(1, 1), ImageFormat::Png);
            bomb[16..20].copy_from_slice(&side.to_be_bytes());
            bomb[20..24].copy_from_slice(&side.to_be_bytes());
            let checksum = crc32(&bomb[12..29]).to_be_bytes();
            bomb[29..33].copy_from_slice(&checksum);
            assert_eq!(develop(&bomb, Framing::Avatar).unwrap_err(), Code::PictureTooWide);
        }
        let wide = written(&opaque(9000, 1), ImageFormat::WebP);
        assert_eq!(develop(&wide, Framing::Avatar).unwrap_err(), Code::PictureTooWide);
    }

    #[test]
    fn what_is_no_whole_picture_is_refused_s69() {
        let whole = written(&opaque(64, 64), ImageFormat::Png);
        let half = &whole[..whole.len() / 2];
        let svg: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
        for upload in [svg, b"<!doctype html><p>", b"%PDF-1.7\n", b"hello", b"BM\0\0", b"\x89PNG\r\n\x1a\n", half] {
            assert_eq!(develop(upload, Framing::Avatar).unwrap_err(), Code::NotAPicture, "{upload:?}");
        }
        assert_eq!(develop(b"", Framing::Avatar).unwrap_err(), Code::MissingPicture);
        assert_eq!(develop(&vec![0; MAX_BYTES + 1], Framing::Avatar).unwrap_err(), Code::PictureTooLarge);
    }

    #[test]
    fn what_hides_behind_a_picture_does_not_get_through_s69() {
        let mut polyglot = written(&opaque(8, 8), ImageFormat::Png);
        polyglot.extend_from_slice(b"<script>alert(1)</script>");
        let picture = develop(&polyglot, Framing::Whole).unwrap();
        assert!(!picture.bytes.windows(7).any(|window| window == b"<script"));
    }

    fn opaque(width: u32, height: u32) -> DynamicImage {
        DynamicImage::ImageRgb8(RgbImage::from_pixel(width, height, Rgb([29, 91, 76])))
    }

    fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    fn size_of(picture: &Picture) -> (u32, u32) {
        let decoded = image::load_from_memory(&picture.bytes).unwrap();
        (decoded.width(), decoded.height())
    }

    /// A big-endian TIFF with one entry, orientation 6 ("turn right"), as APP1 right after the start of the image.
    fn with_exif(jpeg: &[u8]) -> Vec<u8> {
        let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0GPS!".to_vec();
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        let mut photo = vec![0xff, 0xd8, 0xff, 0xe1, length[0], length[1]];
        photo.append(&mut exif);
        photo.extend_from_slice(&jpeg[2..]);
        photo
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
        })
    }
}
