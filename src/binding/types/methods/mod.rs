//! Methods that several classes of shared types have, word for word: napi wants each class to have its own.
//!
//! A macro adds the methods of one theme to a class. It takes the names of types from the file where it is used, which
//! therefore imports them.

mod attributes;
mod children;
mod neighbours;
mod quote;
mod shared;
mod text;

pub(super) use attributes::attribute_methods;
pub(super) use children::children_methods;
pub(super) use neighbours::neighbour_methods;
pub(super) use quote::quote_methods;
pub(super) use shared::shared_type_methods;
pub(super) use text::text_methods;
