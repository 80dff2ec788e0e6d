//! The figures as pixels, for places that take no SVG.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use resvg::{
    render,
    tiny_skia::{Color, Pixmap, Transform},
    usvg::{Options, Tree, fontdb},
};

use super::{figure, run_data::RunData};
use crate::run::{RunError, folder_error, write_whole};

/// Writes every figure of the run in `run` as `folder/<figure>.png`, `width` pixels wide, on white, and returns these
/// paths. The letters come with the program, so that every machine draws the same.
///
/// # Errors
/// If `run` is no run folder or a file cannot be written.
pub fn export(run: &Path, folder: &Path, width: u32) -> Result<Vec<PathBuf>, RunError> {
    let data = RunData::read(run)?;
    data.warn_of_damage();
    fs::create_dir_all(folder).map_err(|error| folder_error(folder, &error))?;
    let write = |figure: figure::Figure| {
        let path = folder.join(format!("{}.png", figure.name));
        let png = pixels(&figure.svg, width)
            .ok_or_else(|| RunError::new(format!("the figure {} cannot be drawn so wide", figure.name), TOO_WIDE))?;
        write_whole(&path, |out| out.write_all(&png))?;
        Ok(path)
    };
    figure::draw_all(&data).into_iter().map(write).collect()
}

const TOO_WIDE: &str = "give a smaller --width";

/// The bytes of a PNG file; `None` if it would be larger than a picture may be.
fn pixels(svg: &str, width: u32) -> Option<Vec<u8>> {
    static LETTERS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
        let mut letters = fontdb::Database::new();
        letters.load_font_data(dejavu::sans::regular().to_vec());
        letters.load_font_data(dejavu::sans::bold().to_vec());
        letters.set_sans_serif_family("DejaVu Sans");
        Arc::new(letters)
    });
    let options = Options { fontdb: LETTERS.clone(), ..Options::default() };
    let picture = Tree::from_str(svg, &options).expect("our own figures are SVG");
    let scale = width as f32 / picture.size().width();
    let mut pixels = Pixmap::new(width, (picture.size().height() * scale).ceil() as u32)?;
    pixels.fill(Color::WHITE);
    render(&picture, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(svg: &str, width: u32) -> Pixmap {
        Pixmap::decode_png(&pixels(svg, width).unwrap()).unwrap()
    }

    #[test]
    fn a_picture_has_the_width_that_was_asked_for_and_a_white_ground() {
        let svg = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20" width="40" height="20"><rect width="20" height="20" fill="#0072B2"/></svg>"##;
        let picture = decoded(svg, 80);
        assert_eq!((picture.width(), picture.height()), (80, 40));
        let colour = |x, y| {
            let pixel = picture.pixel(x, y).unwrap();
            [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]
        };
        assert_eq!((colour(10, 20), colour(60, 20)), ([0x00, 0x72, 0xB2, 0xFF], [0xFF; 4]));
    }

    #[test]
    fn letters_are_drawn_without_any_font_of_the_machine() {
        let text = |content: &str| {
            format!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><text x="2" y="15" font-family="{}" font-size="14">{content}</text></svg>"#,
                super::figure::FONT_FAMILY
            )
        };
        let ink = |content| decoded(&text(content), 60).data().iter().filter(|part| **part < 128).count();
        assert!(ink("10⁻⁶ ·") > 20);
        assert!(ink("MM") > ink("ii"));
        assert_eq!(ink(""), 0);
    }

    #[test]
    fn a_picture_that_is_too_large_is_none() {
        assert_eq!(pixels(r#"<svg xmlns="http://www.w3.org/2000/svg" width="4" height="40"/>"#, u32::MAX), None);
    }
}
