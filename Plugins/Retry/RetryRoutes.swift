import HTTPTypes
import Logging
import MainstayHTTP
import MainstayKernel
import MainstayResilience

/// The routes of the plugin.
struct RetryRoutes: Sendable {
  let resilience: Resilience
  let access: RouteAccess
  let operateAccess: RouteAccess
  let trial: RetryTrial

  var routes: Routes {
    let counted = resilience.executions == nil ? [] : [metrics, resetMetrics, executions, execution]
    return Routes(
      ([strategies, test] + counted).map { $0.tagged("retry") }
        + [breakers, breaker, switchBreaker].map { $0.tagged("circuit breakers") })
  }

  private var strategies: Route {
    Route.get("/retry/strategies", "Lists the retry strategies.", access: access) { [resilience] _, _ in
      .json(.object(["strategies": .array(resilience.strategies.values.sorted { $0.name < $1.name }.map(\.json))]))
    }
    .responds(.ok, .object(["strategies": .array(of: Self.strategy)]))
  }

  private var metrics: Route {
    Route.get("/retry/metrics", "Tells what has become of calls, in all and for each service.", access: access) {
      [resilience] _, _ in .json(resilience.json)
    }
    .responds(
      .ok,
      .object([
        "total": Self.counts, "retrying": .integer, "retryLimit": .integer, "abandonedCalls": .integer,
        "services": .dictionary(of: Self.counts),
      ]))
  }

  private var resetMetrics: Route {
    Route.delete("/retry/metrics", "Begins to count anew, and forgets recorded calls.", access: operateAccess) {
      [resilience] _, _ in
      resilience.resetCounts()
      return .noContent
    }
    .responds(.noContent, "Done.")
  }

  private var executions: Route {
    Route.get("/retry/executions", "Lists the last recorded calls, the newest first.", access: access) {
      [resilience] request, _ in
      let text = request.uri.queryParameters.get("limit") ?? "50"
      guard let count = Int(text), (1...1000).contains(count) else {
        throw HTTPProblem(.badRequest, "'limit' must be a whole number between 1 and 1000.")
      }
      let list = resilience.executions?.recent(count) ?? []
      return .json(.object(["executions": .array(list.map(\.json))]))
    }
    .described("Calls that failed at least once, and those that asked to be recorded.")
    .query("limit", "How many, from 1 to 1000; without it, 50.")
    .responds(.badRequest, "There is no such number.")
    .responds(.ok, .object(["executions": .array(of: Self.execution)]))
  }

  private var execution: Route {
    Route.get("/retry/executions/{id}", "Shows one recorded call.", access: access) { [resilience] _, context in
      guard let id = Int(try context.parameter("id")), let known = resilience.executions?.execution(id) else {
        throw HTTPProblem(.notFound, "No call of that number is remembered.")
      }
      return .json(known.json)
    }
    .parameter("id", "Its number.", .integer)
    .responds(.ok, Self.execution)
    .responds(.notFound, "It was never made, or is forgotten.")
  }

  private var test: Route {
    Route.post("/retry/test", "Carries a strategy out with an operation that fails.", access: operateAccess) {
      [resilience, trial] request, context in
      let wanted = try await context.decode(RetryTrial.Request.self, from: request)
      let failures = wanted.failures ?? 1
      guard (0...1000).contains(failures) else {
        throw HTTPProblem(.badRequest, "'failures' must be between 0 and 1000.")
      }
      let strategy: RetryStrategy
      do throws(ResilienceError) {
        strategy = try resilience.strategy(wanted.strategy ?? "quick")
      } catch {
        throw HTTPProblem(.badRequest, error.message)
      }
      guard let outcome = await trial.run(strategy, failures: failures) else {
        throw HTTPProblem(.conflict, "Another test is running.").retryAfter(.seconds(1))
      }
      return .json(outcome.json(strategy))
    }
    .described("Calls nobody. One test at a time, ten seconds at most.")
    .accepts(
      .object([
        "strategy?": .string.described("Without it: quick."), "failures?": .integer.described("Without it: 1."),
      ])
    )
    .responds(
      .ok,
      .object([
        "strategy": .string, "succeeded": .boolean, "attempts": .integer, "stop?": .string,
        "durationMilliseconds": .number, "execution?": .integer,
      ])
    )
    .responds(.conflict, "Another test is running.")
    .limited(body: 4096, timeout: .seconds(15))
  }
}

// Breakers.
extension RetryRoutes {
  private var breakers: Route {
    Route.get("/circuit-breakers", "Lists the circuit breakers.", access: access) { [resilience] _, _ in
      .json(.object(["breakers": .object(JSONObject(resilience.breakers.map { ($0.name, $0.status.json) }))]))
    }
    .responds(.ok, .object(["breakers": .dictionary(of: Self.breaker)]))
  }

  private var breaker: Route {
    Route.get("/circuit-breakers/{name}", "Shows one circuit breaker.", access: access) { [resilience] _, context in
      .json(try Self.known(context, resilience).status.json)
    }
    .parameter("name", "The service.")
    .responds(.ok, Self.breaker)
    .responds(.notFound, "There is none of that name.")
  }

  private var switchBreaker: Route {
    Route.post(
      "/circuit-breakers/{name}/{action}", "Switches a circuit breaker by hand.", access: operateAccess
    ) { [resilience] _, context in
      let breaker = try Self.known(context, resilience)
      let action = try context.parameter("action")
      switch action {
      case "open": breaker.forceOpen()
      case "close", "reset": breaker.close()
      case "disable": breaker.disable()
      default: throw HTTPProblem(.notFound, "A breaker can be told to open, close, reset or disable.")
      }
      context.logger.notice(
        "circuit breaker switched by hand",
        metadata: [
          "breaker": "\(breaker.name)", "action": "\(action)", "by": "\(context.identity?.subject ?? "nobody known")",
        ])
      return .json(breaker.status.json)
    }
    .described(
      "`open` refuses every call and `disable` lets every call through, both until it is switched again; `close` and `reset` "
        + "close it and forget its failures."
    )
    .parameter("name", "The service.")
    .parameter("action", "What to do.", .oneOf("open", "close", "reset", "disable"))
    .responds(.ok, Self.breaker)
    .responds(.notFound, "There is no such breaker or action.")
  }

  private static func known(
    _ context: MainstayRequestContext, _ resilience: Resilience
  ) throws -> CircuitBreaker {
    let name = try context.parameter("name")
    let breakers = resilience.breakers
    guard let breaker = breakers.first(where: { $0.name == name }) else {
      let known = breakers.isEmpty ? "none" : breakers.map(\.name).joined(separator: ", ")
      throw HTTPProblem(.notFound, "There is no circuit breaker '\(name)'; there are: \(known).")
    }
    return breaker
  }
}
