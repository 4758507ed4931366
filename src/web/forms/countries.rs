//! The countries that a number can be typed for, and which of them is chosen before anybody
//! chooses.
//!
//! The table is `countries.txt`: ISO 3166-1 code, calling code, English name, sorted by name. It is
//! a text of ours and not asked of the library that knows the numbers, since that would read all
//! its plans (12 MB) for the sake of one page.

use actix_web::{HttpRequest, http::header::ACCEPT_LANGUAGE};

const TABLE: &str = include_str!("countries.txt");

/// Longest `Accept-Language` that is looked at, in languages.
const LANGUAGES_MAX: usize = 10;

/// A line of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DialCode {
    /// As ISO 3166-1 names it, by two capitals.
    pub(crate) code: &'static str,
    pub(crate) calling_code: &'static str,
    pub(crate) name: &'static str,
}

/// The countries to choose from, sorted by name: all, or those that codes are sent to.
pub(crate) fn served(only: Option<&[String]>) -> impl Iterator<Item = DialCode> {
    countries()
        .filter(move |country| only.is_none_or(|only| only.iter().any(|code| code == country.code)))
}

/// The country that is chosen before anybody chooses: the only one there is, or the first that the
/// browser's languages name (`de-AT`). Otherwise none: a number that was typed without its country,
/// in a country that was guessed from a mere language, would be somebody else's, who would get the
/// message.
pub(crate) fn likely(request: &HttpRequest, only: Option<&[String]>) -> &'static str {
    let mut served = served(only);
    if let (Some(country), None) = (served.next(), served.next()) {
        return country.code;
    }
    let languages =
        request.headers().get(ACCEPT_LANGUAGE).and_then(|languages| languages.to_str().ok());
    let mut regions =
        languages.unwrap_or_default().split(',').take(LANGUAGES_MAX).filter_map(region);
    regions
        .find_map(|region| self::served(only).find(|country| country.code == region))
        .map_or("", |found| found.code)
}

fn countries() -> impl Iterator<Item = DialCode> {
    TABLE.lines().filter_map(|line| {
        let (code, rest) = line.split_once(' ')?;
        let (calling_code, name) = rest.split_once(' ')?;
        Some(DialCode { code, calling_code, name })
    })
}

/// The region of a language, `AT` of `de-Latn-AT;q=0.8` (RFC 9110 §12.5.4, RFC 5646 §2.2.4).
fn region(language: &str) -> Option<String> {
    let tag = language.split(';').next()?.trim();
    let is_region =
        |part: &&str| part.len() == 2 && part.bytes().all(|letter| letter.is_ascii_alphabetic());
    tag.split('-').skip(1).find(is_region).map(str::to_ascii_uppercase)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use actix_web::test::TestRequest;

    use super::*;

    fn likely_of(languages: &str, only: Option<&[&str]>) -> &'static str {
        let request =
            TestRequest::get().insert_header((ACCEPT_LANGUAGE, languages)).to_http_request();
        let only = only.map(|only| only.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>());
        likely(&request, only.as_deref())
    }

    #[test]
    fn every_country_of_the_numbering_plans_is_in_the_list_with_its_calling_code() {
        let listed: BTreeSet<_> =
            countries().map(|country| (country.code.to_owned(), country.calling_code)).collect();
        let plans = (1..=999_u16)
            .filter_map(|code| phonenumber::metadata::DATABASE.by_code(&code))
            .flatten();
        // 001 is the world: numbers that belong to no country.
        let plans = plans.filter(|plan| plan.id() != "001");
        let plans: BTreeSet<_> =
            plans.map(|plan| (plan.id().to_owned(), plan.country_code().to_string())).collect();
        let plans: BTreeSet<_> =
            plans.iter().map(|(id, code)| (id.clone(), code.as_str())).collect();
        assert_eq!(listed, plans);
        assert_eq!(listed.len(), TABLE.lines().count());
    }

    #[test]
    fn the_first_region_that_the_browser_names_is_chosen() {
        for (languages, country) in [
            ("de-AT,de;q=0.9,en;q=0.8", "AT"),
            ("en, fr-CA;q=0.7", "CA"),
            ("zh-Hant-tw", "TW"),
            ("de", ""),
            ("en-QQ,es-419", ""),
            ("", ""),
            (",;-,--", ""),
        ] {
            assert_eq!(likely_of(languages, None), country, "{languages}");
        }
        assert_eq!(
            likely_of("en-US,de-AT", Some(&["DE", "AT"])),
            "AT",
            "only where codes are sent to"
        );
        assert_eq!(likely_of("en-US", Some(&["FR"])), "FR", "there is no other");
        assert_eq!(likely_of("en-US", Some(&[])), "");
    }
}
