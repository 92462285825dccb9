//! A component's types as a tree that is made once, when it is linked, with the layout of their values in its memory.
//! wasmtime's own types are handles: every look at a field counts references and copies its name.

mod dynamic;
mod read;
mod store;

use wasmtime::component::Type;

pub(crate) use self::read::Node;

/// A type of the contract.
#[derive(Debug)]
pub(crate) enum ValueType {
    Bool,
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
    Float32,
    Float64,
    Char,
    String,
    Enum(Box<[Box<str>]>),
    Flags(Box<[Box<str>]>),
    List(Box<List>),
    Tuple(Box<[Field]>),
    Record(Box<[Field]>),
    /// The cases `none` and `some`.
    Option(Box<Cases>),
    Variant(Box<Cases>),
    /// Resources and whatever else the contract never has.
    Unsupported,
}

/// The items of a list.
#[derive(Debug)]
pub(crate) struct List {
    item: ValueType,
    item_size: usize,
    item_alignment: usize,
}

/// A field of a record; in a tuple, without a name.
#[derive(Debug)]
pub(crate) struct Field {
    name: Box<str>,
    ty: ValueType,
    offset: usize,
    /// See [`ValueType::is_plain`].
    is_plain: bool,
}

/// The cases of a variant.
#[derive(Debug)]
pub(crate) struct Cases {
    cases: Box<[VariantCase]>,
    payload_offset: usize,
}

#[derive(Debug)]
pub(crate) struct VariantCase {
    name: Box<str>,
    payload: Option<ValueType>,
}

impl ValueType {
    /// Of a type that was compared with the contract before, which bounds its depth.
    pub(crate) fn of(ty: &Type) -> ValueType {
        match ty {
            Type::Bool => ValueType::Bool,
            Type::S8 => ValueType::S8,
            Type::U8 => ValueType::U8,
            Type::S16 => ValueType::S16,
            Type::U16 => ValueType::U16,
            Type::S32 => ValueType::S32,
            Type::U32 => ValueType::U32,
            Type::S64 => ValueType::S64,
            Type::U64 => ValueType::U64,
            Type::Float32 => ValueType::Float32,
            Type::Float64 => ValueType::Float64,
            Type::Char => ValueType::Char,
            Type::String => ValueType::String,
            Type::Enum(cases) => ValueType::Enum(cases.names().map(Into::into).collect()),
            Type::Flags(flags) => ValueType::Flags(flags.names().map(Into::into).collect()),
            Type::Option(option) => ValueType::option(ValueType::of(&option.ty())),
            Type::List(list) => ValueType::list(ValueType::of(&list.ty())),
            Type::Tuple(tuple) => ValueType::Tuple(fields(tuple.types().map(|ty| ("", ValueType::of(&ty))))),
            Type::Record(record) => {
                ValueType::Record(fields(record.fields().map(|field| (field.name, ValueType::of(&field.ty)))))
            }
            Type::Variant(variant) => {
                let cases = variant.cases().map(|case| (case.name, case.ty.map(|ty| ValueType::of(&ty))));
                ValueType::Variant(Box::new(Cases::new(cases)))
            }
            _ => ValueType::Unsupported,
        }
    }

    fn list(item: ValueType) -> ValueType {
        let (item_size, item_alignment) = (item.size(), item.alignment());
        ValueType::List(Box::new(List { item, item_size, item_alignment }))
    }

    fn option(some: ValueType) -> ValueType {
        ValueType::Option(Box::new(Cases::new([("none", None), ("some", Some(some))])))
    }

    fn kind(&self) -> &'static str {
        match self {
            ValueType::Option(_) => "an option",
            ValueType::List(_) => "a list",
            ValueType::Tuple(_) => "a tuple",
            ValueType::Record(_) => "a record",
            ValueType::Variant(_) => "a case of a variant",
            _ => "a plain value",
        }
    }

    /// Bytes of a value in the memory of a component.
    pub(crate) fn size(&self) -> usize {
        match self {
            ValueType::Bool | ValueType::S8 | ValueType::U8 => 1,
            ValueType::S16 | ValueType::U16 => 2,
            ValueType::S32 | ValueType::U32 | ValueType::Float32 | ValueType::Char => 4,
            ValueType::S64 | ValueType::U64 | ValueType::Float64 | ValueType::String | ValueType::List(_) => 8,
            ValueType::Enum(names) => case_bytes(names.len()),
            ValueType::Flags(names) => match names.len() {
                0..=8 => 1,
                9..=16 => 2,
                count => 4 * count.div_ceil(32),
            },
            ValueType::Tuple(fields) | ValueType::Record(fields) => {
                let end = fields.last().map_or(0, |field| field.offset + field.ty.size());
                end.next_multiple_of(self.alignment())
            }
            ValueType::Option(cases) | ValueType::Variant(cases) => {
                let payload = cases.payloads().map(ValueType::size).max().unwrap_or(0);
                (cases.payload_offset + payload).next_multiple_of(self.alignment())
            }
            ValueType::Unsupported => 0,
        }
    }

    /// The alignment of a value in the memory of a component.
    pub(crate) fn alignment(&self) -> usize {
        match self {
            ValueType::String | ValueType::List(_) => 4,
            ValueType::Flags(_) => self.size().min(4),
            ValueType::Tuple(fields) | ValueType::Record(fields) => {
                fields.iter().map(|field| field.ty.alignment()).max().unwrap_or(1)
            }
            ValueType::Option(cases) | ValueType::Variant(cases) => {
                cases.payloads().map(ValueType::alignment).max().unwrap_or(1).max(cases.tag_bytes())
            }
            ValueType::Unsupported => 1,
            scalar => scalar.size(),
        }
    }

    /// Whether a value has no part elsewhere in the memory, as strings and lists have.
    fn is_plain(&self) -> bool {
        match self {
            ValueType::String | ValueType::List(_) | ValueType::Unsupported => false,
            ValueType::Tuple(fields) | ValueType::Record(fields) => fields.iter().all(|field| field.is_plain),
            ValueType::Option(cases) | ValueType::Variant(cases) => cases.payloads().all(ValueType::is_plain),
            _ => true,
        }
    }

    /// How many plain WebAssembly values it takes to pass a value without memory.
    pub(crate) fn flat_count(&self) -> usize {
        match self {
            ValueType::String | ValueType::List(_) => 2,
            ValueType::Flags(names) => names.len().div_ceil(32),
            ValueType::Tuple(fields) | ValueType::Record(fields) => {
                fields.iter().map(|field| field.ty.flat_count()).sum()
            }
            ValueType::Option(cases) | ValueType::Variant(cases) => cases.flat_count(),
            _ => 1,
        }
    }
}

/// Fields in the order of the type, each at its place.
fn fields<'a>(fields: impl IntoIterator<Item = (&'a str, ValueType)>) -> Box<[Field]> {
    let mut end = 0usize;
    let place = |(name, ty): (&str, ValueType)| {
        let offset = end.next_multiple_of(ty.alignment());
        end = offset + ty.size();
        Field { name: name.into(), is_plain: ty.is_plain(), ty, offset }
    };
    fields.into_iter().map(place).collect()
}

impl Cases {
    pub(crate) fn new<'a>(cases: impl IntoIterator<Item = (&'a str, Option<ValueType>)>) -> Cases {
        let case = |(name, payload): (&str, Option<ValueType>)| VariantCase { name: name.into(), payload };
        let mut cases = Cases { cases: cases.into_iter().map(case).collect(), payload_offset: 0 };
        let alignment = cases.payloads().map(ValueType::alignment).max().unwrap_or(1);
        cases.payload_offset = cases.tag_bytes().next_multiple_of(alignment);
        cases
    }

    /// The type of the payload of a case, if it has one.
    pub(crate) fn payload(&self, number: usize) -> Option<&ValueType> {
        self.cases.get(number).and_then(|case| case.payload.as_ref())
    }

    fn payloads(&self) -> impl Iterator<Item = &ValueType> {
        self.cases.iter().filter_map(|case| case.payload.as_ref())
    }

    /// See [`ValueType::flat_count`].
    pub(crate) fn flat_count(&self) -> usize {
        1 + self.payloads().map(ValueType::flat_count).max().unwrap_or(0)
    }

    fn tag_bytes(&self) -> usize {
        case_bytes(self.cases.len())
    }
}

/// Bytes of the number of a case.
fn case_bytes(cases: usize) -> usize {
    match cases {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

#[cfg(test)]
mod tests;
