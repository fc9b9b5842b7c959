use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampMicrosecondType};
use arrow_array::{DictionaryArray, StringViewArray, TimestampMillisecondArray};

use super::*;

fn through(field: Field, column: ArrayRef) -> Result<RecordBatch, SourceError> {
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column]).expect("types agree");
    Canonical::of(&schema)?.batch(&batch)
}

#[test]
fn views_and_dictionaries_become_plain_text() {
    let view = Arc::new(StringViewArray::from(vec![Some("Zoë, a text of more than twelve bytes"), None]));
    let batch = through(Field::new("v", DataType::Utf8View, true), view).expect("views have a counterpart");
    assert_eq!(batch.column(0).as_string::<i32>().value(0), "Zoë, a text of more than twelve bytes");
    assert!(batch.column(0).is_null(1));

    let dictionary: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
    let field = Field::new("d", dictionary.data_type().clone(), true);
    let batch = through(field, Arc::new(dictionary)).expect("dictionaries have a counterpart");
    assert_eq!(batch.schema().field(0).data_type(), &DataType::Utf8);
    assert_eq!(batch.column(0).as_string::<i32>().value(2), "a");
}

#[test]
fn a_zone_becomes_utc_without_moving_the_instant() {
    let zone = Some(Arc::from("Europe/Berlin"));
    let column = TimestampMillisecondArray::from(vec![1_000]).with_timezone_opt(zone);
    let field = Field::new("t", column.data_type().clone(), true);
    let batch = through(field, Arc::new(column)).expect("timestamps have a counterpart");
    assert_eq!(batch.schema().field(0).data_type(), &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    assert_eq!(batch.column(0).as_primitive::<TimestampMicrosecondType>().value(0), 1_000_000);
}

#[test]
fn an_instant_beyond_microseconds_is_an_error_that_names_the_column() {
    let column = TimestampMillisecondArray::from(vec![i64::MAX]);
    let field = Field::new("ends_at", column.data_type().clone(), true);
    let error = through(field, Arc::new(column)).expect_err("it does not fit");
    assert!(error.message.contains("`ends_at`"), "{error}");
}

#[test]
fn uuids_become_text_and_opaque_bytes_are_refused() {
    let bytes = FixedSizeBinaryArray::try_from_iter([[0x11_u8; 16]].iter()).expect("sixteen bytes");
    let uuid = Field::new("u", DataType::FixedSizeBinary(16), true)
        .with_metadata([(EXTENSION_NAME.to_owned(), "arrow.uuid".to_owned())]);
    let batch = through(uuid, Arc::new(bytes)).expect("uuids have a counterpart");
    assert_eq!(batch.column(0).as_string::<i32>().value(0), "11111111-1111-1111-1111-111111111111");

    let field = Field::new("ip", DataType::Binary, true)
        .with_metadata([(EXTENSION_NAME.to_owned(), "arrow.opaque".to_owned())]);
    let Err(error) = Canonical::of(&Schema::new(vec![field])) else {
        panic!("opaque bytes must be refused");
    };
    assert_eq!(error.kind, SourceErrorKind::Unsupported);
}
