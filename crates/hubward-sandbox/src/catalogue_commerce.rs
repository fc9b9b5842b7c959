//! Owns, as data, the standard types of commerce and the HubSpot-defined properties each begins with: a realistic selection.
//!
//! What each type needs at creation is api.md 3.4 and `[DOC-OBJ]`.

use crate::standard::StandardType;

pub(crate) const TYPES: &[StandardType] = &[
    StandardType {
        id: "0-7",
        plural: "products",
        singular: "product",
        one_of: &[],
        required: &["name"],
        properties: PRODUCT,
    },
    StandardType {
        id: "0-8",
        plural: "line_items",
        singular: "line_item",
        one_of: &[],
        required: &[],
        properties: LINE_ITEM,
    },
    StandardType {
        id: "0-14",
        plural: "quotes",
        singular: "quote",
        one_of: &[],
        required: &["hs_title", "hs_expiration_date"],
        properties: QUOTE,
    },
    StandardType {
        id: "0-53",
        plural: "invoices",
        singular: "invoice",
        one_of: &[],
        required: &[],
        properties: INVOICE,
    },
    StandardType {
        id: "0-69",
        plural: "subscriptions",
        singular: "subscription",
        one_of: &[],
        required: &[],
        properties: SUBSCRIPTION,
    },
    StandardType {
        id: "0-84",
        plural: "discounts",
        singular: "discount",
        one_of: &[],
        required: &[],
        properties: DISCOUNT,
    },
    StandardType { id: "0-85", plural: "fees", singular: "fee", one_of: &[], required: &[], properties: MODIFIER },
    StandardType { id: "0-86", plural: "taxes", singular: "tax", one_of: &[], required: &[], properties: MODIFIER },
    StandardType {
        id: "0-101",
        plural: "commerce_payments",
        singular: "commerce_payment",
        one_of: &[],
        required: &["hs_initial_amount", "hs_initiated_date"],
        properties: PAYMENT,
    },
    StandardType { id: "0-123", plural: "orders", singular: "order", one_of: &[], required: &[], properties: ORDER },
    StandardType { id: "0-142", plural: "carts", singular: "cart", one_of: &[], required: &[], properties: CART },
];

const PRODUCT: &str = "name|Name|string||
description|Product description|string:textarea||
price|Unit price|number||
hs_price_usd|Unit price (USD)|number||
hs_price_eur|Unit price (EUR)|number||
hs_sku|SKU|string||
hs_cost_of_goods_sold|Unit cost|number||
hs_product_type|Product type|enumeration||inventory=Inventory;non_inventory=Non-inventory;service=Service
hs_status|Status|enumeration||active=Active;inactive=Inactive
recurringbillingfrequency|Billing frequency|enumeration||weekly=Weekly;biweekly=Every two weeks;monthly=Monthly;quarterly=Quarterly;per_six_months=Semi-annually;annually=Annually;per_two_years=Every two years;per_three_years=Every three years
hs_recurring_billing_period|Term|string||
tax|Tax|number||
hs_images|Image URL|string:textarea||
hs_folder_id|Folder|number||
hs_url|URL|string||";

const LINE_ITEM: &str = "name|Name|string||
description|Product description|string:textarea||
price|Unit price|number||
quantity|Quantity|number||
hs_sku|SKU|string||
hs_product_id|Product ID|number||
amount|Net price|number|c|
hs_pre_discount_amount|Pre-discount amount|number|c|
discount|Unit discount|number||
hs_discount_percentage|Discount percentage|number||
tax|Tax|number||
hs_tax_rate_group_id|Tax rate group|string||
hs_line_item_currency_code|Currency|enumeration||USD=US Dollar;EUR=Euro;GBP=Pound Sterling;CHF=Swiss Franc
hs_cost_of_goods_sold|Unit cost|number||
recurringbillingfrequency|Billing frequency|enumeration||weekly=Weekly;biweekly=Every two weeks;monthly=Monthly;quarterly=Quarterly;per_six_months=Semi-annually;annually=Annually;per_two_years=Every two years;per_three_years=Every three years
hs_recurring_billing_period|Term|string||
hs_recurring_billing_start_date|Billing start date|date||
hs_position_on_quote|Position on quote|number||
hs_images|Image URL|string:textarea||
hs_url|URL|string||";

const QUOTE: &str = "hs_title|Quote name|string||
hs_expiration_date|Expiration date|datetime||
hs_status|Approval status|enumeration||DRAFT=Draft;APPROVAL_NOT_NEEDED=Approval not needed;PENDING_APPROVAL=Pending approval;APPROVED=Approved;REJECTED=Rejected
hs_currency|Currency|enumeration||USD=US Dollar;EUR=Euro;GBP=Pound Sterling;CHF=Swiss Franc
hs_quote_number|Reference number|string||
hs_language|Language|enumeration||en=English;de=German;fr=French;es=Spanish
hs_locale|Locale|string||
hs_comments|Comments to buyer|string:html||
hs_terms|Terms|string:html||
hs_sender_firstname|Sender first name|string||
hs_sender_lastname|Sender last name|string||
hs_sender_email|Sender email|string||
hs_sender_company_name|Sender company name|string||
hs_esign_enabled|E-sign enabled|bool||
hs_payment_enabled|Payment enabled|bool||
hs_payment_type|Payment type|enumeration||HUBSPOT=HubSpot payments;BYO_STRIPE=Stripe
hs_quote_amount|Quote amount|number|c|
hs_quote_link|Quote link|string|r|
hubspot_owner_id|Owner|enumeration|o|";

const INVOICE: &str = "hs_title|Title|string||
hs_number|Invoice number|string||
hs_currency|Currency|enumeration||USD=US Dollar;EUR=Euro;GBP=Pound Sterling;CHF=Swiss Franc
hs_invoice_date|Invoice date|datetime||
hs_due_date|Due date|datetime||
hs_invoice_status|Invoice status|enumeration||draft=Draft;open=Open;paid=Paid;voided=Voided
hs_purchase_order_number|Purchase order number|string||
hs_external_invoice_id|External invoice ID|string||
hs_comments|Comments|string:html||
hs_language|Language|enumeration||en=English;de=German;fr=French;es=Spanish
hs_locale|Locale|string||
hs_amount_billed|Amount billed|number|c|
hs_balance_due|Balance due|number|c|
hs_invoice_link|Invoice link|string|r|
hubspot_owner_id|Owner|enumeration|o|";

const SUBSCRIPTION: &str = "hs_name|Name|string||
hs_status|Status|enumeration||active=Active;past_due=Past due;canceled=Canceled;expired=Expired;scheduled=Scheduled;unpaid=Unpaid;paused=Paused
hs_currency_code|Currency|enumeration||USD=US Dollar;EUR=Euro;GBP=Pound Sterling;CHF=Swiss Franc
hs_recurring_billing_start_date|Billing start date|date||
hs_recurring_billing_end_date|Billing end date|date||
hs_recurring_billing_frequency|Billing frequency|enumeration||weekly=Weekly;biweekly=Every two weeks;monthly=Monthly;quarterly=Quarterly;per_six_months=Semi-annually;annually=Annually;per_two_years=Every two years;per_three_years=Every three years
hs_collection_process|Collection process|enumeration||manual_payments=Manual payments;automatic_payments=Automatic payments
hs_invoice_creation|Invoice creation|enumeration||on=On;off=Off;draft=Draft
hs_external_subscription_id|External subscription ID|string||
hs_next_payment_amount|Next payment amount|number||
hs_next_payment_due_date|Next payment due date|date||
hs_last_payment_amount|Last payment amount|number||
hs_last_payment_date|Last payment date|date||
hubspot_owner_id|Owner|enumeration|o|";

/// Fees and taxes.
const MODIFIER: &str = "hs_label|Label|string||
hs_type|Type|enumeration||FIXED=Fixed;PERCENT=Percent
hs_value|Value|number||
hs_sort_order|Sort order|number||";

const DISCOUNT: &str = "hs_label|Label|string||
hs_type|Type|enumeration||FIXED=Fixed;PERCENT=Percent
hs_value|Value|number||
hs_sort_order|Sort order|number||
hs_duration|Duration|enumeration||ONCE=Once;RECURRING=Recurring";

const PAYMENT: &str = "hs_initial_amount|Gross amount|number||
hs_initiated_date|Payment date|datetime||
hs_currency_code|Currency|enumeration||USD=US Dollar;EUR=Euro;GBP=Pound Sterling;CHF=Swiss Franc
hs_customer_email|Customer email|string||
hs_latest_status|Payment status|enumeration||pending=Pending;processing=Processing;succeeded=Succeeded;failed=Failed;refunded=Refunded
hs_payment_method_type|Payment method|enumeration||card=Card;ach=Bank debit;cash=Cash;check=Check;other=Other
hs_external_reference_id|External reference ID|string||
hs_reference_number|Reference number|string||
hs_internal_comment|Internal comment|string:textarea||";

const ORDER: &str = "hs_order_name|Order name|string||
hs_external_order_id|External order ID|string||
hs_external_order_url|External order URL|string||
hs_external_created_date|External created date|datetime||
hs_source_store|Source store|string||
hs_currency_code|Currency|enumeration||USD=US Dollar;EUR=Euro;GBP=Pound Sterling;CHF=Swiss Franc
hs_subtotal_price|Subtotal price|number||
hs_total_price|Total price|number||
hs_order_discount|Order discount|number||
hs_tax|Tax|number||
hs_shipping_cost|Shipping cost|number||
hs_fulfillment_status|Fulfillment status|string||
hs_payment_processing_method|Payment processing method|string||
hs_payment_status|Payment status|string||
hs_shipping_tracking_number|Shipping tracking number|string||
hs_shipping_status_url|Shipping status URL|string||
hs_order_note|Order note|string:textarea||
hs_tags|Tags|string||
hs_shipping_address_name|Shipping name|string||
hs_shipping_address_street|Shipping street|string||
hs_shipping_address_city|Shipping city|string||
hs_shipping_address_state|Shipping state|string||
hs_shipping_address_postal_code|Shipping postal code|string||
hs_shipping_address_country|Shipping country|string||
hs_shipping_address_phone|Shipping phone|string||
hs_shipping_address_email|Shipping email|string||
hs_billing_address_name|Billing name|string||
hs_billing_address_street|Billing street|string||
hs_billing_address_city|Billing city|string||
hs_billing_address_state|Billing state|string||
hs_billing_address_postal_code|Billing postal code|string||
hs_billing_address_country|Billing country|string||
hs_billing_address_phone|Billing phone|string||
hs_billing_address_email|Billing email|string||
hs_pipeline|Pipeline|enumeration||
hs_pipeline_stage|Pipeline stage|enumeration||
hubspot_owner_id|Owner|enumeration|o|";

const CART: &str = "hs_cart_name|Cart name|string||
hs_external_cart_id|External cart ID|string||
hs_external_status|External status|string||
hs_external_created_date|External created date|datetime||
hs_source_store|Source store|string||
hs_currency_code|Currency|enumeration||USD=US Dollar;EUR=Euro;GBP=Pound Sterling;CHF=Swiss Franc
hs_total_price|Total price|number||
hs_subtotal_price|Subtotal price|number||
hs_cart_discount|Cart discount|number||
hs_tax|Tax|number||
hs_shipping_cost|Shipping cost|number||
hs_cart_url|Cart URL|string||
hs_tags|Tags|string||
hubspot_owner_id|Owner|enumeration|o|";
