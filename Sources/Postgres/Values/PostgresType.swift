/// A data type of the server, by its object identifier. The constants are those of PostgreSQL's own types
/// (`pg_type.dat`), which are the same on every server; types that a database defines have numbers of their own.
public struct PostgresType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The object identifier. 0 leaves the choice to the server.
  public let rawValue: UInt32

  /// A type by its object identifier.
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

  @usableFromInline @inline(__always) init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// Not said: the server infers the type from the place where the parameter stands, as it does for a literal.
  public static var unspecified: PostgresType { PostgresType(0) }
}

extension PostgresType {
  /// `boolean`
  @inlinable public static var bool: PostgresType { PostgresType(rawValue: 16) }
  /// `bytea`
  @inlinable public static var bytea: PostgresType { PostgresType(rawValue: 17) }
  /// `"char"`, one byte
  @inlinable public static var char: PostgresType { PostgresType(rawValue: 18) }
  /// `name`
  @inlinable public static var name: PostgresType { PostgresType(rawValue: 19) }
  /// `bigint`
  @inlinable public static var int8: PostgresType { PostgresType(rawValue: 20) }
  /// `smallint`
  @inlinable public static var int2: PostgresType { PostgresType(rawValue: 21) }
  /// `integer`
  @inlinable public static var int4: PostgresType { PostgresType(rawValue: 23) }
  /// `text`
  @inlinable public static var text: PostgresType { PostgresType(rawValue: 25) }
  /// `oid`
  @inlinable public static var oid: PostgresType { PostgresType(rawValue: 26) }
  /// `json`
  @inlinable public static var json: PostgresType { PostgresType(rawValue: 114) }
  /// `xml`
  @inlinable public static var xml: PostgresType { PostgresType(rawValue: 142) }
  /// `real`
  @inlinable public static var float4: PostgresType { PostgresType(rawValue: 700) }
  /// `double precision`
  @inlinable public static var float8: PostgresType { PostgresType(rawValue: 701) }
  /// A literal whose type was not settled
  @inlinable public static var unknown: PostgresType { PostgresType(rawValue: 705) }
  /// `character(n)`
  @inlinable public static var bpchar: PostgresType { PostgresType(rawValue: 1042) }
  /// `character varying(n)`
  @inlinable public static var varchar: PostgresType { PostgresType(rawValue: 1043) }
  /// `date`
  @inlinable public static var date: PostgresType { PostgresType(rawValue: 1082) }
  /// `time`
  @inlinable public static var time: PostgresType { PostgresType(rawValue: 1083) }
  /// `timestamp without time zone`
  @inlinable public static var timestamp: PostgresType { PostgresType(rawValue: 1114) }
  /// `timestamp with time zone`
  @inlinable public static var timestamptz: PostgresType { PostgresType(rawValue: 1184) }
  /// `interval`
  @inlinable public static var interval: PostgresType { PostgresType(rawValue: 1186) }
  /// `numeric`
  @inlinable public static var numeric: PostgresType { PostgresType(rawValue: 1700) }
  /// `uuid`
  @inlinable public static var uuid: PostgresType { PostgresType(rawValue: 2950) }
  /// `jsonb`
  @inlinable public static var jsonb: PostgresType { PostgresType(rawValue: 3802) }
  /// What a function returns that returns nothing
  @inlinable public static var void: PostgresType { PostgresType(rawValue: 2278) }
}

extension PostgresType {
  private struct Known {
    let name: String
    let array: UInt32
  }

  private static let known: [UInt32: Known] = [
    16: Known(name: "bool", array: 1000), 17: Known(name: "bytea", array: 1001), 18: Known(name: "char", array: 1002),
    19: Known(name: "name", array: 1003), 20: Known(name: "int8", array: 1016), 21: Known(name: "int2", array: 1005),
    23: Known(name: "int4", array: 1007), 25: Known(name: "text", array: 1009), 26: Known(name: "oid", array: 1028),
    114: Known(name: "json", array: 199), 142: Known(name: "xml", array: 143), 600: Known(name: "point", array: 1017),
    650: Known(name: "cidr", array: 651), 700: Known(name: "float4", array: 1021),
    701: Known(name: "float8", array: 1022), 705: Known(name: "unknown", array: 0),
    774: Known(name: "macaddr8", array: 775), 790: Known(name: "money", array: 791),
    829: Known(name: "macaddr", array: 1040), 869: Known(name: "inet", array: 1041),
    1042: Known(name: "bpchar", array: 1014), 1043: Known(name: "varchar", array: 1015),
    1082: Known(name: "date", array: 1182), 1083: Known(name: "time", array: 1183),
    1114: Known(name: "timestamp", array: 1115), 1184: Known(name: "timestamptz", array: 1185),
    1186: Known(name: "interval", array: 1187), 1266: Known(name: "timetz", array: 1270),
    1560: Known(name: "bit", array: 1561), 1562: Known(name: "varbit", array: 1563),
    1700: Known(name: "numeric", array: 1231), 2249: Known(name: "record", array: 2287),
    2278: Known(name: "void", array: 0), 2950: Known(name: "uuid", array: 2951),
    3220: Known(name: "pg_lsn", array: 3221), 3614: Known(name: "tsvector", array: 3643),
    3615: Known(name: "tsquery", array: 3645), 3802: Known(name: "jsonb", array: 3807),
    3904: Known(name: "int4range", array: 3905), 3906: Known(name: "numrange", array: 3907),
    3908: Known(name: "tsrange", array: 3909), 3910: Known(name: "tstzrange", array: 3911),
    3912: Known(name: "daterange", array: 3913), 3926: Known(name: "int8range", array: 3927),
    4072: Known(name: "jsonpath", array: 4073),
  ]

  private static let elements: [UInt32: UInt32] = Dictionary(
    known.compactMap { $1.array == 0 ? nil : ($1.array, $0) }, uniquingKeysWith: { first, _ in first })

  /// Whether it is a type that a database or an extension defines: an enumeration, a composite, `citext` and so on.
  public var isDefinedByDatabase: Bool { rawValue >= PostgresType.firstDefined }

  /// FirstNormalObjectId in PostgreSQL's transam.h.
  private static let firstDefined: UInt32 = 16_384

  /// The type of arrays of this type, or `unspecified` for types that a database defines.
  public var array: PostgresType { PostgresType(PostgresType.known[rawValue]?.array ?? 0) }

  /// The type of the elements, if this is an array of one of PostgreSQL's own types.
  public var element: PostgresType? { PostgresType.elements[rawValue].map { PostgresType($0) } }

  /// The type's name, such as `int8` or `text[]`, or its number for types that a database defines.
  public var description: String {
    if let known = PostgresType.known[rawValue] { return known.name }
    if let element { return "\(element)[]" }
    return rawValue == 0 ? "unspecified" : "type \(rawValue)"
  }
}

/// How a value is written: as text, or in the binary form of its type.
public enum PostgresFormat: Int32, Sendable, Hashable {
  /// As `psql` shows it.
  case text = 0
  /// As the type's `send` function writes it.
  case binary = 1
}
