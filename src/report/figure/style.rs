//! The one visual style: drawn 440 pixels wide, so that text stays legible when a page's column (about 320 pixels,
//! 85 mm) shows the figure at three quarters of its size.

use kuva::render::theme::Theme;

/// Width of every figure in pixels.
pub const WIDTH: f64 = 440.0;

pub const FONT_FAMILY: &str = "Helvetica, Arial, 'DejaVu Sans', sans-serif";

/// Text sizes in pixels.
pub const TITLE: u32 = 11;
pub const LABEL: u32 = 11;
pub const TICK: u32 = 10;

/// Colours that people with any of the common colour-vision deficiencies can tell apart.
/// Source: Okabe and Ito, "Color universal design" (2008).
pub const BLUE: &str = "#0072B2";
pub const VERMILLION: &str = "#D55E00";
pub const GREEN: &str = "#009E73";
pub const ORANGE: &str = "#E69F00";
pub const SKY: &str = "#56B4E9";
pub const PURPLE: &str = "#CC79A7";

/// Colours of text and lines.
pub const INK: &str = "#222222";
pub const MUTED: &str = "#666666";
pub const FAINT: &str = "#AAAAAA";
/// Of wide bars behind others.
pub const PALE: &str = "#C4C4C4";
pub const GRID: &str = "#E4E4E4";

/// The colour of the feature, layer or run of this number; with more of them than colours they repeat.
pub fn nth_colour(number: usize) -> &'static str {
    const COLOURS: [&str; 7] = [BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, INK];
    COLOURS[number % COLOURS.len()]
}

/// A colour `#RRGGBB` mixed with as much white, for what lies behind.
pub fn paler(colour: &str) -> String {
    let channel = |at: usize| u8::from_str_radix(&colour[at..at + 2], 16).expect("#RRGGBB");
    let [red, green, blue] = [1, 3, 5].map(|at| channel(at) / 2 + 127);
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// Grey, as red, green, blue.
pub const NO_NUMBER: (u8, u8, u8) = (0x88, 0x88, 0x88);

/// White for 0, over blue to nearly black for 1, as red, green, blue; grey for what is no number.
pub fn sequential(value: f64) -> (u8, u8, u8) {
    const STOPS: [(f64, [f64; 3]); 3] = [(0.0, [255.0; 3]), (0.6, [0.0, 114.0, 178.0]), (1.0, [0.0, 26.0, 61.0])];
    if value.is_nan() {
        return NO_NUMBER;
    }
    let value = value.clamp(0.0, 1.0);
    let [low, high] = if value < STOPS[1].0 { [STOPS[0], STOPS[1]] } else { [STOPS[1], STOPS[2]] };
    let share = (value - low.0) / (high.0 - low.0);
    let [red, green, blue] = [0, 1, 2].map(|i| (low.1[i] + (high.1[i] - low.1[i]) * share).round() as u8);
    (red, green, blue)
}

/// Blue for -1, white for 0, vermillion for 1, as red, green, blue; grey for what is no number.
pub fn diverging(value: f64) -> (u8, u8, u8) {
    if value.is_nan() {
        return NO_NUMBER;
    }
    let strength = value.abs().min(1.0);
    let end = if value < 0.0 { (0x00, 0x72, 0xB2) } else { (0xD5, 0x5E, 0x00) };
    let mix = |end: u8| (255.0 + (f64::from(end) - 255.0) * strength).round() as u8;
    (mix(end.0), mix(end.1), mix(end.2))
}

pub fn theme() -> Theme {
    Theme { axis_color: MUTED.into(), text_color: INK.into(), show_grid: false, ..Theme::light() }
}

/// Text from a file as a label: no control characters, at most 32 characters, and no `$` that would be read as
/// the start of a formula.
pub fn plain(text: &str) -> String {
    plain_within(text, 32)
}

/// As [`plain`], with at most so many characters.
pub fn plain_within(text: &str, longest: usize) -> String {
    let mut plain: String = text.chars().filter(|c| !c.is_control()).take(longest + 1).collect();
    if plain.chars().count() > longest {
        plain.pop();
        plain.push('…');
    }
    plain.replace('$', "\\$")
}

/// `factor` times ten to the power of `power`, for a tick among others that are no powers of ten: 0.02, 2·10⁻⁶.
pub fn times_ten(factor: u8, power: i32) -> String {
    match (factor, power) {
        (_, -2..=2) => number(f64::from(factor) * 10_f64.powi(power)),
        (1, _) => power_of_ten(power),
        _ => format!("{factor}·{}", power_of_ten(power)),
    }
}

/// Ten to the power of `power`, for a tick: 10⁻⁶, 1.
pub fn power_of_ten(power: i32) -> String {
    let superscript = |digit: char| match digit {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' | '4'..='9' => char::from_u32(digit as u32 - '0' as u32 + '⁰' as u32).unwrap_or(digit),
        other => other,
    };
    match power {
        0 => "1".to_owned(),
        _ => format!("10{}", power.to_string().chars().map(superscript).collect::<String>()),
    }
}

/// A number for a tick: −1, 0.5, 2e−6, 1.5e12.
pub fn number(value: f64) -> String {
    if value != 0.0 && !(1e-4..1e7).contains(&value.abs()) {
        // Six digits hide what rounding has left of a multiple of a round step.
        let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
        return format!("{rounded:e}").replace('-', "−");
    }
    let rounded = format!("{value:.6}");
    rounded.trim_end_matches('0').trim_end_matches('.').replace('-', "−")
}

/// Two digits of a number: 0.34, −1.2, 120, 3.4e−5.
pub fn short(value: f64) -> String {
    let text = match value.abs() {
        size if size == 0.0 || !size.is_finite() => format!("{value}"),
        size if !(1e-3..1e5).contains(&size) => format!("{value:.1e}"),
        size => format!("{value:.*}", (1.0 - size.log10().floor()).max(0.0) as usize),
    };
    text.replace('-', "−")
}

/// A count of steps for a tick: 500, 5k, 2.5k, 2M.
pub fn thousands(steps: f64) -> String {
    match steps {
        steps if steps.abs() >= 1e6 => format!("{}M", steps / 1e6),
        steps if steps.abs() >= 1e3 => format!("{}k", steps / 1e3),
        steps => format!("{steps}"),
    }
}

/// A step of 1, 2 or 5 times a power of ten that divides `span` into at most `most` parts.
pub fn tick_step(span: f64, most: f64) -> f64 {
    if !(span.is_finite() && span > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf((span / most).log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| span / step <= most).unwrap_or(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_from_files_lose_control_characters_and_formulas() {
        assert_eq!(plain("a\u{7}b$c$"), "ab\\$c\\$");
        assert_eq!(plain(&"x".repeat(40)), "x".repeat(32) + "…");
    }

    #[test]
    fn a_paler_colour_lies_half_way_to_white() {
        assert_eq!([BLUE, VERMILLION, "#000000"].map(paler), ["#7FB8D8", "#E9AE7F", "#7F7F7F"]);
    }

    #[test]
    fn powers_of_ten_are_written_with_superscripts_unless_they_are_short() {
        assert_eq!([power_of_ten(-12), power_of_ten(0), power_of_ten(4)], ["10⁻¹²", "1", "10⁴"]);
        assert_eq!([times_ten(1, -12), times_ten(2, -6)], ["10⁻¹²", "2·10⁻⁶"]);
        assert_eq!([times_ten(5, -2), times_ten(1, 0), times_ten(2, 2)], ["0.05", "1", "200"]);
    }

    #[test]
    fn numbers_of_ticks_are_short() {
        assert_eq!(["0", "−1", "0.5", "20", "2e−6"].map(str::to_owned), [0.0, -1.0, 0.5, 20.0, 2e-6].map(number));
        let [small, large, largest] = [3.0 * 5e-6, -1.5e12, 1e300].map(number);
        assert_eq!([small, large, largest], ["1.5e−5", "−1.5e12", "1e300"]);
    }

    #[test]
    fn short_numbers_have_two_digits() {
        let texts = [0.3401, -1.234, 0.0, 120.4, 3.41e-5, 0.05].map(short);
        assert_eq!(texts, ["0.34", "−1.2", "0", "120", "3.4e−5", "0.050"]);
    }

    #[test]
    fn a_sequence_of_colours_grows_darker() {
        let brightness = |value| {
            let (red, green, blue) = sequential(value);
            u32::from(red) + u32::from(green) + u32::from(blue)
        };
        let steps: Vec<u32> = (0..=20).map(|step| brightness(f64::from(step) / 20.0)).collect();
        assert_eq!(steps[0], 3 * 255);
        assert!(steps.is_sorted_by(|light, dark| light > dark));
        assert_eq!(sequential(f64::NAN), NO_NUMBER);
    }

    #[test]
    fn tick_steps_are_round_and_few() {
        assert_eq!(tick_step(20_000.0, 4.0), 5_000.0);
        assert_eq!(tick_step(9.0, 5.0), 2.0);
        assert_eq!(tick_step(f64::NAN, 5.0), 1.0);
    }
}
