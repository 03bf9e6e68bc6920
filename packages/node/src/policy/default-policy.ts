/** What a home's policy says until its owner writes another: nothing from outside. */
export const DEFAULT_POLICY = `// Who may have messages delivered to the agents of this home, once their signatures and grants
// have held. Written in Cedar (https://docs.cedarpolicy.com). What no rule permits is refused, and
// a rule that forbids wins over all that permit. A running node reads changes of this file.
//
//   ixj policy check      finds mistakes, with line and column
//   ixj policy explain    says which rules decide about a sender, an action and a topic
//   ixj policy test       holds a table of cases against this file
//
// Zone::"acme.example" is that name and every name below it. To let an agent of another
// organisation ask one of yours:
//
//   @id("globex may ask")
//   permit (
//     principal == Agent::"scout.globex.example",
//     action == Action::"request",
//     resource == Topic::"planner.acme.example"
//   );

@id("owners inside the organisation")
permit (principal, action, resource)
when { context.organisation == context.ownOrganisation && context.basis == Basis::"owner" };

@id("grants inside the organisation")
permit (principal, action, resource)
when { context.organisation == context.ownOrganisation && context.basis == Basis::"grant" };

@id("answers to own requests")
permit (principal, action == Action::"answer", resource)
when { context.basis == Basis::"answer" };
`
