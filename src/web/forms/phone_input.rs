//! A phone number as it is typed: a country from a list, and the number as it is dialled there.

use super::{
    super::request::visit::Visit,
    countries::{self, DialCode},
    form::{Form, FormFields},
    form_data::{FormData, Input},
};
use crate::port::Phone;

/// The number, as it was typed.
pub(crate) const PHONE: Input = Input::Line("phone");

/// The country that was chosen, by its code; empty for none.
pub(crate) const COUNTRY: Input = Input::Line("country");

/// The inputs of the pages that ask where to send a code.
pub(crate) struct PhoneOnly {
    pub(crate) phone: String,
}

impl FormFields for PhoneOnly {
    const INPUTS: &'static [Input] = &[PHONE, COUNTRY];

    fn read(form_data: &mut FormData) -> Self {
        Self { phone: number(form_data) }
    }
}

/// Phone number for the backend: in E.164 form, or as it was typed where that is no number, so
/// that the backend says what is wrong with it together with all else.
pub(crate) fn number(form_data: &FormData) -> String {
    form_data.phone().map_or_else(|| form_data.line("phone"), Phone::to_string)
}

/// The same of a form that was not handed in yet.
pub(crate) fn phone_input_of<F: FormFields>(form: &Form<F>) -> String {
    form.phone().map_or_else(|| form.value("phone").to_owned(), Phone::to_string)
}

/// A number of ours as people read it. It came from a form or from the backend and is a number;
/// otherwise it is shown as it is.
pub(crate) fn shown(number: &str) -> String {
    Phone::parse(number).map_or_else(|_| number.to_owned(), |phone| phone.in_groups().to_owned())
}

/// The list of countries as a page shows it: those that codes are sent to, and the one that is
/// chosen.
pub(crate) struct Countries<'a> {
    visit: &'a Visit,
    chosen: &'a str,
}

impl<'a> Countries<'a> {
    /// Keeps the country that was chosen, unless the number names its country itself; before
    /// anybody typed, the likely one is.
    pub(crate) fn of(visit: &'a Visit, form_data: &str, chosen: &'a str) -> Self {
        let chosen = match (form_data.trim_start(), chosen) {
            ("", "") => countries::likely(visit.request(), Self::only(visit)),
            (number, _) if number.starts_with('+') => "",
            (_, chosen) => chosen,
        };
        Self { visit, chosen }
    }

    pub(crate) fn served(&self) -> impl Iterator<Item = DialCode> {
        countries::served(Self::only(self.visit))
    }

    pub(crate) fn is_chosen(&self, country: &DialCode) -> bool {
        country.code == self.chosen
    }

    fn only(visit: &Visit) -> Option<&[String]> {
        visit.auth().capabilities().sms_countries.as_deref()
    }
}
