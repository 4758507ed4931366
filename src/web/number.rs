//! A phone number as it is typed: a country from a list, and the number as it is dialled there.

use super::{
    countries::{self, Country},
    form::{Fields, Form},
    typed::{Input, Typed},
    visit::Visit,
};
use crate::port::Phone;

/// The number, as it was typed.
pub(crate) const PHONE: Input = Input::Line("phone");

/// The country that was chosen, by its code; empty for none.
pub(crate) const COUNTRY: Input = Input::Line("country");

/// The inputs of the pages that ask where to send a code.
pub(crate) struct NumberOnly {
    pub(crate) phone: String,
}

impl Fields for NumberOnly {
    const INPUTS: &'static [Input] = &[PHONE, COUNTRY];

    fn read(typed: &mut Typed) -> Self {
        Self { phone: number(typed) }
    }
}

/// What somebody typed and chose, as the backend takes a number: in E.164 form, or as it was typed where that is no number, so
/// that the backend says what is wrong with it together with all else.
pub(crate) fn number(typed: &Typed) -> String {
    typed.phone().map_or_else(|| typed.line("phone"), Phone::to_string)
}

/// The same of a form that was not handed in yet.
pub(crate) fn number_of<F: Fields>(form: &Form<F>) -> String {
    form.phone().map_or_else(|| form.value("phone").to_owned(), Phone::to_string)
}

/// A number of ours as people read it. It came from a form or from the backend and is a number; otherwise it is shown as it is.
pub(crate) fn shown(number: &str) -> String {
    Phone::parse(number).map_or_else(|_| number.to_owned(), |phone| phone.in_groups().to_owned())
}

/// The list of countries as a page shows it: those that codes are sent to, and the one that is chosen.
pub(crate) struct Countries<'a> {
    visit: &'a Visit,
    chosen: &'a str,
}

impl<'a> Countries<'a> {
    /// What the form came with is chosen again, unless the number names its country itself; before anybody typed, the likely
    /// one is.
    pub(crate) fn of(visit: &'a Visit, typed: &str, chosen: &'a str) -> Self {
        let chosen = match (typed.trim_start(), chosen) {
            ("", "") => countries::likely(visit.request(), Self::only(visit)),
            (number, _) if number.starts_with('+') => "",
            (_, chosen) => chosen,
        };
        Self { visit, chosen }
    }

    pub(crate) fn served(&self) -> impl Iterator<Item = Country> {
        countries::served(Self::only(self.visit))
    }

    pub(crate) fn is_chosen(&self, country: &Country) -> bool {
        country.code == self.chosen
    }

    fn only(visit: &Visit) -> Option<&[String]> {
        visit.auth().offers().sms_countries.as_deref()
    }
}
