//! Pictures: from whatever was uploaded to something that is safe to serve.
//!
//! A picture is recognised by its content, never by its name or its declared type; its dimensions
//! are read from the header and judged before any pixel is decoded; then it is cropped or scaled,
//! turned upright, and encoded again, so that no byte of the upload survives: no EXIF, no position,
//! no second file hidden behind the first (S68, S69).
//!
//! Time has an end without a clock: the upload has at most 8 MB, what it unfolds to is bounded
//! before it is unfolded, an animation gives its first frame only, and the decoder refuses a
//! progressive JPEG of more than 100 scans, the one format that goes over the same pixels again and
//! again.
//!
//! Everything here blocks and may use much memory: call it through the
//! [`ImagePool`](super::image_pool::ImagePool).

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits,
    codecs::jpeg::JpegEncoder, imageops::FilterType, metadata::Orientation,
};

use crate::port::{Code, Picture};

/// The largest upload that is looked at. A phone's photo has 3 to 6 MB.
pub(crate) const MAX_BYTES: usize = 8 * 1024 * 1024;
/// The widest and highest picture that is decoded. Told by `Code::PictureTooWide`.
const MAX_SIDE: u32 = 8000;
/// The most pixels that are decoded: more than cameras of phones make by default (12 to 24
/// megapixels), and what a small machine can hold. Told by `Code::PictureTooWide`.
const MAX_PIXELS: u64 = 40_000_000;
/// Memory limit of a decoded picture: all those pixels at four bytes. One with 16 bits a channel
/// may have half as many.
const MAX_DECODED_BYTES: u64 = MAX_PIXELS * 4;
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

/// Decodes, frames, turns upright and encodes again: JPEG, or PNG when something of it is
/// transparent.
///
/// Both framings are the same for a picture that lies on its side, so it is turned when it is small
/// already: turning makes a copy, and a copy of the largest picture would double what one takes.
///
/// # Errors
/// `MissingPicture`, `PictureTooLarge`, `PictureTooWide`, or `NotAPicture` for everything that is
/// not a whole JPEG, PNG, WebP or GIF.
pub(crate) fn reencode(bytes: &[u8], framing: Framing) -> Result<Picture, Code> {
    check_size(bytes)?;
    let (picture, orientation) = decode(bytes)?;
    let mut picture = match framing {
        Framing::Avatar => square(picture),
        Framing::Whole => fitted(picture),
    };
    picture.apply_orientation(orientation);
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

/// Whether the bytes begin as a picture does that we can read, whole or broken.
pub(crate) fn is_of_a_format(bytes: &[u8]) -> bool {
    is_ours(image::guess_format(bytes).ok())
}

fn is_ours(format: Option<ImageFormat>) -> bool {
    matches!(
        format,
        Some(ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif)
    )
}

/// The picture as it was stored, and how it has to be turned.
fn decode(bytes: &[u8]) -> Result<(DynamicImage, Orientation), Code> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|_| Code::NotAPicture)?;
    if !is_ours(reader.format()) {
        return Err(Code::NotAPicture);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| validated(&error))?;
    // WebP heeds no limits, so the header is judged here for every format.
    let (width, height) = decoder.dimensions();
    let is_wide =
        width > MAX_SIDE || height > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS;
    if is_wide || decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err(Code::PictureTooWide);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(|error| validated(&error))?;
    Ok((picture, orientation))
}

fn validated(error: &ImageError) -> Code {
    match error {
        ImageError::Limits(_) => Code::PictureTooWide,
        _ => Code::NotAPicture,
    }
}

fn square(picture: DynamicImage) -> DynamicImage {
    let side = picture.width().min(picture.height());
    if side > AVATAR_SIDE {
        // Scales first and crops then, so that the large picture is not copied.
        return picture.resize_to_fill(AVATAR_SIDE, AVATAR_SIDE, FilterType::Triangle);
    }
    let (left, top) = ((picture.width() - side) / 2, (picture.height() - side) / 2);
    picture.crop_imm(left, top, side, side)
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
        pixels
            .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
            .map_err(|_| Code::NotAPicture)?;
        return Ok(Picture { mime_type: "image/png", bytes });
    }
    let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    picture.to_rgb8().write_with_encoder(encoder).map_err(|_| Code::NotAPicture)?;
    Ok(Picture { mime_type: "image/jpeg", bytes })
}

/// Whether a pixel lets something shine through. An alpha channel alone says little: screenshots
/// have one, all opaque.
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
            let picture = reencode(&written(&opaque(900, 600), format), Framing::Avatar).unwrap();
            assert_eq!(picture.mime_type, "image/jpeg", "{format:?}");
            assert_eq!(size_of(&picture), (512, 512));
        }
    }

    #[test]
    fn a_transparent_picture_stays_transparent_and_a_small_one_small() {
        let glass = DynamicImage::ImageRgba8(RgbaImage::from_pixel(20, 30, Rgba([1, 2, 3, 40])));
        let picture = reencode(&written(&glass, ImageFormat::Png), Framing::Avatar).unwrap();
        assert_eq!((picture.mime_type, size_of(&picture)), ("image/png", (20, 20)));
    }

    #[test]
    fn an_upload_keeps_its_shape_and_gets_2048_pixels_at_most() {
        let picture =
            reencode(&written(&opaque(3000, 1500), ImageFormat::Png), Framing::Whole).unwrap();
        assert_eq!(size_of(&picture), (2048, 1024));
    }

    #[test]
    fn a_photo_taken_sideways_is_turned_upright_and_tells_no_longer_where_it_was_taken() {
        let upload = with_exif(&written(&opaque(40, 20), ImageFormat::Jpeg));
        let picture = reencode(&upload, Framing::Whole).unwrap();
        assert_eq!(size_of(&picture), (20, 40));
        assert!(
            !picture.bytes.windows(4).any(|window| window == b"Exif" || window == b"GPS!"),
            "S69"
        );
    }

    #[test]
    fn a_picture_bomb_is_refused_by_its_header_s68() {
        for (width, height) in
            [(100_000, 100_000), (8001, 1), (1, 8001), (8000, 5001), (6400, 6400)]
        {
            assert_eq!(
                reencode(&claiming(width, height), Framing::Avatar).unwrap_err(),
                Code::PictureTooWide
            );
        }
        assert_eq!(
            reencode(&claiming(8000, 5000), Framing::Avatar).unwrap_err(),
            Code::NotAPicture,
            "40 megapixels"
        );
        let wide = written(&opaque(9000, 1), ImageFormat::WebP);
        assert_eq!(reencode(&wide, Framing::Avatar).unwrap_err(), Code::PictureTooWide);
    }

    #[test]
    fn the_middle_of_a_picture_is_kept_however_it_lies() {
        for (width, height) in [(1600, 800), (800, 1600), (400, 200)] {
            let middle =
                |x, y| (width / 2_u32).abs_diff(x) < 50 && (height / 2_u32).abs_diff(y) < 50;
            let picture = RgbImage::from_fn(width, height, |x, y| {
                Rgb([if middle(x, y) { 255 } else { 0 }, 0, 0])
            });
            let upload = written(&DynamicImage::ImageRgb8(picture), ImageFormat::Png);
            let avatar = reencode(&upload, Framing::Avatar).unwrap();
            let pixels = image::load_from_memory(&avatar.bytes).unwrap().to_rgb8();
            assert_eq!(pixels.width(), pixels.height());
            assert!(
                pixels.get_pixel(pixels.width() / 2, pixels.height() / 2).0[0] > 200,
                "{width} × {height}"
            );
            assert!(pixels.get_pixel(2, 2).0[0] < 50, "{width} × {height}");
        }
    }

    #[test]
    fn what_is_no_whole_picture_is_refused_s69() {
        let whole = written(&opaque(64, 64), ImageFormat::Png);
        let half = &whole[..whole.len() / 2];
        let svg: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
        for upload in [
            svg,
            b"<!doctype html><p>",
            b"%PDF-1.7\n",
            b"hello",
            b"BM\0\0",
            b"\x89PNG\r\n\x1a\n",
            half,
        ] {
            assert_eq!(
                reencode(upload, Framing::Avatar).unwrap_err(),
                Code::NotAPicture,
                "{upload:?}"
            );
        }
        assert_eq!(reencode(b"", Framing::Avatar).unwrap_err(), Code::MissingPicture);
        assert_eq!(
            reencode(&vec![0; MAX_BYTES + 1], Framing::Avatar).unwrap_err(),
            Code::PictureTooLarge
        );
    }

    #[test]
    fn what_hides_behind_a_picture_does_not_get_through_s69() {
        let mut polyglot = written(&opaque(8, 8), ImageFormat::Png);
        polyglot.extend_from_slice(b"<script>alert(1)</script>");
        let picture = reencode(&polyglot, Framing::Whole).unwrap();
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

    /// A big-endian TIFF with one entry, orientation 6 ("turn right"), as APP1 right after the
    /// start of the image.
    fn with_exif(jpeg: &[u8]) -> Vec<u8> {
        let mut exif =
            b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0GPS!".to_vec();
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        let mut photo = vec![0xff, 0xd8, 0xff, 0xe1, length[0], length[1]];
        photo.append(&mut exif);
        photo.extend_from_slice(&jpeg[2..]);
        photo
    }

    /// A PNG whose header claims a size that it does not have.
    fn claiming(width: u32, height: u32) -> Vec<u8> {
        let mut png = written(&opaque(1, 1), ImageFormat::Png);
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        let checksum = crc32(&png[12..29]).to_be_bytes();
        png[29..33].copy_from_slice(&checksum);
        png
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
        })
    }
}
