//! XML types, a class per file; `children`, `attributes` and `neighbours` are what they have in common.

mod attributes;
mod children;
mod element;
mod fragment;
mod neighbours;
mod text;

pub(in crate::binding) use element::YXmlElement;
pub(in crate::binding) use fragment::YXmlFragment;
pub(in crate::binding) use text::YXmlText;
