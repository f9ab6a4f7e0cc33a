// What a frontend with Relay would ask for: a list that pages, a fragment that is fetched again, a mutation.
import { graphql } from "relay-runtime";

export const page = graphql`
  query accountPageQuery($id: ID!) {
    account(id: $id) {
      name
      balance { amount currency }
      ...accountInvoices
      ...accountStatement @arguments(count: 50)
    }
  }
`;

export const invoices = graphql`
  fragment accountInvoices on BillingAccount
  @refetchable(queryName: "accountInvoicesNextQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }) {
    invoices(first: $count, after: $cursor) @connection(key: "account__invoices") {
      edges {
        node { id number status ...accountInvoice }
      }
    }
  }
`;

export const statement = graphql`
  fragment accountStatement on BillingAccount
  @refetchable(queryName: "accountStatementNextQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }) {
    statement(first: $count, after: $cursor) @connection(key: "account__statement") {
      edges {
        node { kind at }
      }
    }
  }
`;

export const invoice = graphql`
  fragment accountInvoice on Invoice @refetchable(queryName: "accountInvoiceAgainQuery") {
    invoiceOn
    total { amount currency }
    lines { description }
  }
`;

export const accounts = graphql`
  query accountListQuery { ...accountList }
`;

export const list = graphql`
  fragment accountList on Query
  @refetchable(queryName: "accountListNextQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }) {
    accounts(first: $count, after: $cursor) @connection(key: "list__accounts") {
      edges {
        node { id name }
      }
    }
  }
`;

export const node = graphql`
  query accountNodeQuery($id: ID!) {
    node(id: $id) {
      __typename
      ...accountInvoice @alias(as: "invoice")
      ... on Workspace { name }
    }
  }
`;

export const invite = graphql`
  mutation accountInviteMutation($input: TeammateInviteInput!) {
    teammateInvite(input: $input) {
      __typename
      ... on TeammateInvitePayload { teammate { id name status } }
      ... on UserError { message }
    }
  }
`;
