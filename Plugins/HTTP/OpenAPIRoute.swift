package import MainstayHTTP
package import MainstayKernel
import Synchronization

/// `GET /openapi.json`: the document of the routes that are served at that moment.
package final class OpenAPIRoute: Sendable {
  private struct Rendered {
    let version: Int
    let body: ByteBuffer
  }

  private let host: HostHandle
  private let version: @Sendable () -> Int
  private let served: @Sendable () -> [Contributed<Route>]
  private let rendered = Mutex<Rendered?>(nil)

  /// - Parameters:
  ///   - host: Its name and version head the document.
  ///   - version: A number that grows when the routes change: the document is made anew then, not for each request.
  ///   - routes: The routes served now, with the access that really holds.
  package init(
    host: HostHandle, version: @escaping @Sendable () -> Int, routes: @escaping @Sendable () -> [Contributed<Route>]
  ) {
    self.host = host
    self.version = version
    served = routes
  }

  /// The route. Open: it says what there is, not what it answers; `auth.access` can close it.
  package var routes: Routes {
    [
      Route.get("/openapi.json", "Describes every route, as OpenAPI 3.1.", access: .open) { [self] _, _ in
        .bytes(document(), contentType: "application/json")
      }
      .tagged("host")
      .responds(.ok, .any, "The document.")
    ]
  }

  private func document() -> ByteBuffer {
    // Read before the routes: a change in between makes the document anew next time.
    let version = version()
    if let known = rendered.withLock({ $0 }), known.version == version { return known.body }
    let document = OpenAPIDocument(title: host.name, version: host.version, routes: served())
    let body = ByteBuffer(bytes: document.json.utf8())
    rendered.withLock { $0 = Rendered(version: version, body: body) }
    return body
  }
}
