import CLibYAML

/// A step of the way through a YAML text.
enum YAMLEvent {
  case scalar(String, isPlain: Bool)
  case listStart
  case mapStart
  case end
  case alias(String)
  case documentStart
  case documentEnd
  case streamEnd
}

/// An event, where it stands, and what is attached to it.
struct YAMLStep {
  let event: YAMLEvent
  let start: YAMLPosition
  let end: YAMLPosition
  var anchor: String?
  var tag: String?
}

/// A place in a text, counted from 1.
struct YAMLPosition {
  let line: Int
  let column: Int

  init(_ mark: yaml_mark_t) {
    line = Int(mark.line) + 1
    column = Int(mark.column) + 1
  }
}

/// What libyaml says about a text that is not YAML.
struct YAMLSyntaxError: Error {
  let problem: String
  let position: YAMLPosition
  let context: String?
  let contextPosition: YAMLPosition
}

/// libyaml's parser, event by event.
struct YAMLEvents: ~Copyable {
  // On the heap: the parser keeps its own address.
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let bytes: UnsafeMutableBufferPointer<UInt8>

  /// Starts on a text; nil if memory is short.
  init?(_ text: String) {
    let utf8 = Array(text.utf8)
    parser = .allocate(capacity: 1)
    bytes = .allocate(capacity: max(utf8.count, 1))
    _ = bytes.update(fromContentsOf: utf8)
    guard yaml_parser_initialize(parser) == 1 else {
      parser.deallocate()
      bytes.deallocate()
      return nil
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, utf8.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    bytes.deallocate()
  }

  /// The next event.
  mutating func next() throws(YAMLSyntaxError) -> YAMLStep {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError }
    defer { yaml_event_delete(&event) }
    return step(event)
  }

  private var syntaxError: YAMLSyntaxError {
    let state = parser.pointee
    return YAMLSyntaxError(
      problem: state.problem.map { String(cString: $0) } ?? "memory is short",
      position: YAMLPosition(state.problem_mark), context: state.context.map { String(cString: $0) },
      contextPosition: YAMLPosition(state.context_mark))
  }

  private func step(_ event: yaml_event_t) -> YAMLStep {
    var step = YAMLStep(
      event: kind(event), start: YAMLPosition(event.start_mark), end: YAMLPosition(event.end_mark))
    switch event.type {
    case YAML_SCALAR_EVENT:
      step.anchor = text(event.data.scalar.anchor)
      step.tag = text(event.data.scalar.tag)
    case YAML_SEQUENCE_START_EVENT:
      step.anchor = text(event.data.sequence_start.anchor)
      step.tag = text(event.data.sequence_start.tag)
    case YAML_MAPPING_START_EVENT:
      step.anchor = text(event.data.mapping_start.anchor)
      step.tag = text(event.data.mapping_start.tag)
    default: break
    }
    return step
  }

  private func kind(_ event: yaml_event_t) -> YAMLEvent {
    switch event.type {
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      return .scalar(String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
    case YAML_SEQUENCE_START_EVENT: return .listStart
    case YAML_MAPPING_START_EVENT: return .mapStart
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return .end
    case YAML_ALIAS_EVENT: return .alias(text(event.data.alias.anchor) ?? "")
    case YAML_DOCUMENT_START_EVENT: return .documentStart
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_STREAM_END_EVENT: return .streamEnd
    // The start of the stream, which says nothing.
    default: return .documentEnd
    }
  }

  private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    pointer.map { String(cString: $0) }
  }
}
