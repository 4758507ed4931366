//! Telephone numbers, and the one place that says when two are the same.

use std::fmt;

use super::Code;

/// A telephone number in E.164 form: a plus, the country's calling code, the number, no blanks.
///
/// # When two numbers are the same
///
/// When their E.164 forms are. Blanks, dots, dashes, slashes and brackets that somebody typed for
/// their own eyes are dropped; a trunk zero that the country's plan does not dial from abroad is
/// dropped by the plan (`+44 (0)20 …`).
///
/// A number must have a country's calling code that exists and 8 to 15 digits (ITU-T E.164 §6).
/// Whether it is in use only a message to it tells, so numbers of ranges that a plan does not list
/// yet are taken: plans grow faster than libraries.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone {
    e164: String,
    country: Option<String>,
    grouped: String,
}

impl Phone {
    /// Longest text that is looked at, in bytes.
    const MAX_INPUT: usize = 40;

    /// Loads the numbering plans, which takes 70 ms and 12 MB; the first number that is read does
    /// so otherwise.
    pub fn load_plans() {
        drop(Self::parse("+4915112345678"));
    }

    /// Reads a number as somebody typed it, with its country code. Takes up to 4 ms: requests ask
    /// their backend ([`AuthManager::read_phone`](super::AuthManager::read_phone)).
    ///
    /// # Errors
    /// `MissingPhone` for nothing, `InvalidPhone` for anything that is not one international
    /// number.
    pub fn parse(entered: &str) -> Result<Self, Code> {
        let entered = entered.trim();
        if entered.is_empty() {
            return Err(Code::MissingPhone);
        }
        let digits = entered
            .strip_prefix('+')
            .filter(|rest| rest.chars().all(is_plain))
            .ok_or(Code::InvalidPhone)?;
        if digits.len() > Self::MAX_INPUT {
            return Err(Code::InvalidPhone);
        }
        let number = phonenumber::parse(None, entered).map_err(|_| Code::InvalidPhone)?;
        let e164 = number.format().mode(phonenumber::Mode::E164).to_string();
        if !(9..=16).contains(&e164.len()) {
            return Err(Code::InvalidPhone);
        }
        let country = number.country().id().map(|id| id.as_ref().to_owned());
        let grouped = number.format().mode(phonenumber::Mode::International).to_string();
        Ok(Self { e164, country, grouped })
    }

    /// Reads a number as somebody typed it who also chose a country (ISO 3166-1, `DE`), in the way
    /// numbers are dialled there: `0151 12345678`, `0049 151 …`. One that begins with a plus names
    /// its country itself, and the chosen one means nothing.
    ///
    /// # Errors
    /// As [`parse`](Self::parse). A country that does not exist is none.
    pub fn parse_in(entered: &str, country: &str) -> Result<Self, Code> {
        let entered = entered.trim();
        let Some(country) =
            country.parse().ok().filter(|_| !entered.starts_with('+') && !entered.is_empty())
        else {
            return Self::parse(entered);
        };
        if entered.len() > Self::MAX_INPUT || !entered.chars().all(is_plain) {
            return Err(Code::InvalidPhone);
        }
        let number = phonenumber::parse(Some(country), entered).map_err(|_| Code::InvalidPhone)?;
        Self::parse(&number.format().mode(phonenumber::Mode::E164).to_string())
    }

    /// The number in the form it is stored, compared and dialled in.
    pub fn as_str(&self) -> &str {
        &self.e164
    }

    /// The country of the number by its plan, as ISO 3166-1 names it (`DE`); `None` where the plan
    /// does not say.
    pub fn country(&self) -> Option<&str> {
        self.country.as_deref()
    }

    /// The number as a person reads it: `+49 1511 2345678`.
    pub fn in_groups(&self) -> &str {
        &self.grouped
    }

    /// The number as its owner recognises it and nobody else learns it: `+49 … 78`.
    pub fn masked(&self) -> String {
        let calling_code = self.grouped.split([' ', '-']).next().unwrap_or_default();
        let end = self.e164.get(self.e164.len() - 2..).unwrap_or_default();
        format!("{calling_code} … {end}")
    }
}

/// A digit, or what stands between digits for the eye.
fn is_plain(letter: char) -> bool {
    letter.is_ascii_digit() || " .-/()\u{a0}".contains(letter)
}

impl fmt::Display for Phone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.e164)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Phone(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_however_it_is_grouped() {
        for entered in
            ["+4915112345678", " +49 1511 234-5678 ", "+49 (1511) 2345678", "+49.1511.2345678"]
        {
            assert_eq!(
                Phone::parse(entered).map(|phone| phone.to_string()),
                Ok("+4915112345678".to_owned()),
                "{entered}"
            );
        }
        assert_eq!(Phone::parse("+44 (0)20 7946 0000").unwrap().as_str(), "+442079460000");
    }

    #[test]
    fn what_is_no_international_number_is_refused() {
        assert_eq!(Phone::parse(" "), Err(Code::MissingPhone));
        for entered in [
            "015112345678",
            "+",
            "+49",
            "+4915112345678901234",
            "+49151a234",
            "+999123456789",
            "49151123",
            "+1;drop",
        ] {
            assert_eq!(Phone::parse(entered), Err(Code::InvalidPhone), "{entered}");
        }
    }

    #[test]
    fn a_number_is_read_as_it_is_dialled_in_its_country() {
        for (entered, country, number) in [
            ("0151 12345678", "DE", "+4915112345678"),
            ("0049 151 12345678", "DE", "+4915112345678"),
            ("15112345678", "DE", "+4915112345678"),
            ("(201) 555-0123", "US", "+12015550123"),
            ("1 201 555 0123", "US", "+12015550123"),
            ("07400 123456", "GB", "+447400123456"),
            ("06 12 34 56 78", "FR", "+33612345678"),
            ("312 345 6789", "IT", "+393123456789"),
            ("06 1234 5678", "IT", "+390612345678"),
            ("0530 222 33 44", "TR", "+905302223344"),
            ("+90 530 222 33 44", "DE", "+905302223344"),
            ("+905302223344", "", "+905302223344"),
        ] {
            let read = Phone::parse_in(entered, country).map(|phone| phone.to_string());
            assert_eq!(read, Ok(number.to_owned()), "{entered} in {country}");
        }
        assert_eq!(Phone::parse_in(" ", "DE"), Err(Code::MissingPhone));
        for (entered, country) in [
            ("0151 12345678", ""),
            ("0151 12345678", "QQ"),
            ("12", "DE"),
            ("0151;12345678", "DE"),
            ("0", "DE"),
        ] {
            assert_eq!(
                Phone::parse_in(entered, country),
                Err(Code::InvalidPhone),
                "{entered} in {country}"
            );
        }
    }

    #[test]
    fn a_number_knows_its_country_and_hides_its_middle() {
        let phone = Phone::parse("+905302223344").unwrap();
        assert_eq!((phone.country(), phone.in_groups()), (Some("TR"), "+90 530 222 33 44"));
        assert_eq!(phone.masked(), "+90 … 44");
        assert_eq!(format!("{phone:?}"), "Phone(…)");
        // A number of no range that is in use is still a number.
        assert!(Phone::parse("+15551234567").is_ok());
    }
}
