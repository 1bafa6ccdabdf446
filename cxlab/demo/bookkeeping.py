"""The files of the firm's offices: bills, sales, referrals, what was spent to win customers, the tracker."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cxlab.demo.containers import write_excel
from cxlab.demo.raw import FLAG, MODE, ORIGIN, REGION, SEGMENT, Tables, dates, money, said, write_csv

SALE = {"upsell": "Mejora de plan", "cross_sell": "Otro producto", "renewal": "Renovación"}
YES_NO = {1: "Sí", 0: "No"}


def write_books(folder: Path, tables: Tables) -> list[Path]:
    """Write the bills, the sales, the referrals, the spending and the tracker."""
    return [
        write_bills(folder, tables["billing"]),
        write_sales(folder, tables["transactions"]),
        write_referrals(folder, tables["referrals"]),
        write_spend(folder, tables["marketing_spend"]),
        write_tracking(folder, tables["tracking_responses"]),
    ]


def write_bills(folder: Path, bills: pd.DataFrame) -> Path:
    """Write the bills of the last year, from the billing system."""
    return write_csv(
        folder / "facturacion.csv",
        {
            "RUT": bills["customer_id"].tolist(),
            "PERIODO": bills["period"].tolist(),
            "FACTURADO": money(bills["billed"]),
            "PAGADO": money(bills["paid"]),
            "DIAS_ATRASO": bills["days_late"].astype(int).tolist(),
            "OBJETADA": said(bills["disputed"], {1: "S", 0: "N"}),
        },
        encoding="latin-1",
        separator=";",
    )


def write_sales(folder: Path, sales: pd.DataFrame) -> Path:
    """Write what customers took up after joining."""
    return write_csv(
        folder / "ventas_base.csv",
        {
            "OPERACIÓN": sales["transaction_id"].tolist(),
            "RUT": sales["customer_id"].tolist(),
            "FECHA": dates(sales["ts"]),
            "TIPO": said(sales["kind"], SALE),
            "MONTO_MES": money(sales["amount"]),
            "MARGEN_MES": money(sales["margin"]),
            "CAMPAÑA": sales["campaign_id"].fillna("").tolist(),
        },
        encoding="latin-1",
        separator=";",
    )


def write_referrals(folder: Path, referrals: pd.DataFrame) -> Path:
    """Write who recommended the firm to whom, from the referral programme."""
    return write_csv(
        folder / "referidos.csv",
        {
            "RUT cliente": referrals["referrer_id"].tolist(),
            "RUT referido": referrals["referred_id"].tolist(),
            "Fecha": dates(referrals["ts"], "%Y-%m-%d"),
            "Verificado": said(referrals["verified"], YES_NO),
            "Se hizo cliente": said(referrals["became_customer"], YES_NO),
        },
        encoding="utf-8-sig",
        separator=",",
    )


def write_spend(folder: Path, spend: pd.DataFrame) -> Path:
    """Write marketing's spreadsheet of what was spent and how many customers came."""
    path = folder / "marketing.xlsx"
    told = spend.assign(acq_channel=said(spend["acq_channel"], ORIGIN))
    write_excel(
        path,
        {
            "Inversión": [
                ["Inversión comercial (miles de $)"],
                ["Mes", "Origen", "Inversión", "Altas"],
                *told.itertuples(index=False),
            ]
        },
    )
    return path


def write_tracking(folder: Path, answers: pd.DataFrame) -> Path:
    """Write the monthly tracker, as the agency sends it."""
    return write_csv(
        folder / "seguimiento.csv",
        {
            "Folio": answers["response_id"].tolist(),
            "Trimestre": answers["wave_id"].tolist(),
            "Mes": answers["period"].tolist(),
            "Fecha": dates(answers["responded_at"]),
            "Vía": said(answers["mode"], MODE),
            "Región": said(answers["region"], REGION),
            "Segmento": said(answers["segment"], SEGMENT),
            "Sucursal": answers["unit_id"].tolist(),
            "Ejecutivo": answers["agent_id"].tolist(),
            "Recomendación": answers["recommend"].astype(int).tolist(),
            "Resuelto": said(answers["resolved_first"], FLAG),
        },
        encoding="utf-8",
        separator=";",
    )
