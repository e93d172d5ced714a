import MainstayHTTP

/// Roles, of which some contain others: an admin is also an operator, an operator also a viewer. Any other name stands
/// for itself alone.
enum AuthenticationRoles {
  /// From the least to the most.
  static let hierarchy = ["viewer", "operator", "admin"]

  /// The roles with those that they contain.
  static func expanded(_ roles: Set<String>) -> Set<String> {
    guard let highest = hierarchy.lastIndex(where: { roles.contains($0) }) else { return roles }
    return roles.union(hierarchy[...highest])
  }

  /// The identity with the roles that its own contain.
  static func expanded(_ identity: Identity) -> Identity {
    Identity(subject: identity.subject, roles: expanded(identity.roles), scheme: identity.scheme)
  }
}
